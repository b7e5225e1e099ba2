/* The whole program. */
#ifndef SCEP_CA_RUN_H
#define SCEP_CA_RUN_H

int scep_ca_run(int argc, char **argv);

#endif
