/* Named by autoconf.h; this module defines no PACKAGE_* of its own that would have to be hidden. */
