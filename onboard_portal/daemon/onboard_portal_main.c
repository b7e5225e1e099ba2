#include "onboard_portal/daemon/portal.h"

int main(int argc, char **argv)
{
	return portal_run(argc, argv);
}
