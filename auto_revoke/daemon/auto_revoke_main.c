#include "auto_revoke/daemon/auto_revoke.h"

int main(int argc, char **argv)
{
	return auto_revoke_run(argc, argv);
}
