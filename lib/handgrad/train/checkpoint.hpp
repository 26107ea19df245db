#pragma once
/// @file
/// Checkpoints: a training run in a file. A resumed run gives the same bits as an uninterrupted run.
/// For the backends Cpu, Device and Reference, each of float and of double.
///
/// @snippet training.cpp checkpoint
///
/// The file is a safetensors file (io/safetensors.hpp). Python sees these tensors:
///
/// | name | what |
/// | --- | --- |
/// | a parameter's or a buffer's, "fc1.weight" | the parameter or buffer; a Linear's weight is (in, out) |
/// | "optimizer.momentum_buffer.fc1.weight" | the optimiser's state of a parameter; shape (0,) before a step |
/// | "optimizer.step" | a whole number that the optimiser keeps for each parameter, I64 |
/// | "optimizer.lr" | the learning rate of each group, F64 |
/// | "loader.state" | epoch and batch that come next, I64 |
/// | "epoch.counts", "epoch.loss_sum" | the epoch so far: correct, examples, batches, I64; sum of the losses, F64 |
/// | "history.train_losses" and so on | the History |
///
/// Its metadata hold the format's version, a checksum of everything, the model as it is printed, the optimiser's and
/// the run's options, size and hash of the training data and of the test data, and the state of the random stream if
/// there is one. The hash is data::Loader::checksum(). It protects from resuming with other data by mistake, not from
/// data that somebody made to have the same hash.
///
/// | in every file | |
/// | --- | --- |
/// | epochs | 0 to 1000000000 |
/// | batches of the epoch so far | those before the loader's position |
/// | examples of the epoch so far | at least as many as batches, at most those of the training data |
/// | correct answers | at most as many as examples; in a test, at most those of the test data |
/// | losses | at least Task::lower_bound(); 0 for a classification |
/// | "history.train_examples", "history.test_examples" | never decrease, and end at the loader's position or before |
/// | "optimizer.step" | 0 to 2^53 |
/// | the state of a parameter | there for all parameters, or for none before the first step |
///
/// The version is 3. Files of versions 1 and 2 are read as well. They have no hashes, so only the size of the training
/// data is compared. Version 1 has "optimizer.momentum.fc1.weight" for the momentum buffer, and none before a step.

#include <filesystem>
#include <string>
#include <string_view>

#include "handgrad/nn/module.hpp"
#include "handgrad/train/train.hpp"

namespace handgrad::train {

/// Writes a checkpoint by io::write_file(): the file is complete and on the disk when this returns.
///
/// Call it between two batches, after train_one_epoch(). At the end of an epoch, run the test and the scheduler's step
/// first.
/// @param path the file, replaced if it exists; its folder must exist
/// @param run its model has at least one parameter, and no name that begins with "optimizer.", "loader.", "epoch." or
///        "history."; run.testing is set if the history has tests
/// @throws DataError if the file cannot be written, or load_checkpoint() would refuse it: a number is NaN, infinite or
///         outside its range; what was at `path` then stays as it was
template <class Backend> void save_checkpoint(const std::filesystem::path& path, const Run<Backend>& run);

/// Restores a run from a checkpoint.
///
/// Checks everything before it changes anything: the checksum; that the file has the parameters and buffers of this
/// model and no others, of the same shapes and type, all finite; that model, optimiser, options, training data and test
/// data are those of the saved run; that the state of the optimiser, the history and the position are possible.
/// @param path the file @param run as it was built when the saved run began
/// @throws DataError in one line: "run.safetensors: tensor 'fc1.weight' has shape (784, 50), expected (784, 100)"
template <class Backend> void load_checkpoint(const std::filesystem::path& path, Run<Backend>& run);

/// The same for the bytes of a file, of any origin. @param bytes the whole file @param name the file's name in messages
/// @param run as for load_checkpoint() @throws DataError as load_checkpoint()
template <class Backend> void parse_checkpoint(std::string_view bytes, const std::string& name, Run<Backend>& run);

/// Path of the script that writes the weights of a PyTorch model to such a file: in the source tree, or in the package
/// that find_package(handgrad) found. For messages that name the script.
#ifdef HANDGRAD_TOOLS_DIR
constexpr const char* const export_torch = HANDGRAD_TOOLS_DIR "/export_torch.py";
#else
constexpr const char* const export_torch = "export_torch.py";
#endif

/// Gives a model the parameters and buffers of a safetensors file: a checkpoint, or a file of export_torch.py.
///
/// The file must hold every one of them under its name, in its shape, as F32 or F64 (converted if the model computes in
/// the other; a single number, such as num_batches_tracked, may be I64), all finite, and nothing else but, in a
/// checkpoint, the rest of the run. Only the state of a Dropout may be missing. Everything is checked before the model
/// is changed. A checksum is compared if there is one.
/// @param path the file @param model its parameters and buffers are overwritten
/// @throws DataError in one line that names file and tensor
template <class Backend> void load_weights(const std::filesystem::path& path, nn::Component<Backend>& model);

} // namespace handgrad::train
