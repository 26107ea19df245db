#pragma once
/// @file
/// All modules.

#include "handgrad/nn/init.hpp"
#include "handgrad/nn/module.hpp"
#include "handgrad/nn/sequential.hpp"
#include "handgrad/nn/summary.hpp"
#include "handgrad/ops/activation/layer.hpp"
#include "handgrad/ops/add/layer.hpp"
#include "handgrad/ops/attention/layer.hpp"
#include "handgrad/ops/batch_norm/layer.hpp"
#include "handgrad/ops/conv2d/layer.hpp"
#include "handgrad/ops/conv2d_relu_max_pool2d/layer.hpp"
#include "handgrad/ops/cross_entropy/layer.hpp"
#include "handgrad/ops/dropout/layer.hpp"
#include "handgrad/ops/embedding/layer.hpp"
#include "handgrad/ops/flatten/layer.hpp"
#include "handgrad/ops/layer_norm/layer.hpp"
#include "handgrad/ops/linear/layer.hpp"
#include "handgrad/ops/linear/tied_head.hpp"
#include "handgrad/ops/lstm/layer.hpp"
#include "handgrad/ops/pool2d/layer.hpp"
#include "handgrad/ops/rnn/layer.hpp"
