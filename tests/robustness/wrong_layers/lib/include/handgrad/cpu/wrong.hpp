#pragma once
#include <handgrad/reference/linear.hpp> // wrong: backends do not know each other
