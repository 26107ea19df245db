// Catch2 3 brings its own main (Catch2WithMain); version 2 wants one compiled here.
#if HANDGRAD_CATCH2_MAJOR >= 3
#else
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
#endif
