#include "scep_ca/run.h"

int main(int argc, char **argv)
{
	return scep_ca_run(argc, argv);
}
