#include "scep_ca/front/run.h"

int main(int argc, char **argv)
{
	return scep_ca_run(argc, argv);
}
