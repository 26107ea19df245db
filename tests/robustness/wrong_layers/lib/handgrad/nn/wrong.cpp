#include "../../../chapters/09_cnn/model.hpp" // wrong: nothing knows the chapters
#include "detail.hpp"
#include "handgrad/train/loop.hpp" // wrong: upward
