#pragma once
/// @file
/// All modules.

#include "handgrad/nn/avg_pool2d.hpp"
#include "handgrad/nn/conv2d.hpp"
#include "handgrad/nn/conv_relu_max_pool2d.hpp"
#include "handgrad/nn/cross_entropy_loss.hpp"
#include "handgrad/nn/flatten.hpp"
#include "handgrad/nn/linear.hpp"
#include "handgrad/nn/max_pool2d.hpp"
#include "handgrad/nn/module.hpp"
#include "handgrad/nn/relu.hpp"
#include "handgrad/nn/sequential.hpp"
#include "handgrad/nn/sigmoid.hpp"
#include "handgrad/nn/summary.hpp"
#include "handgrad/nn/tanh.hpp"
