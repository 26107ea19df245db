#pragma once
#include <handgrad/ops/linear/reference.hpp> // wrong: backends do not know each other
