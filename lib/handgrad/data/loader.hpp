#pragma once
/// @file
/// The interface of a loader for the training loop and the checkpoint: size and position.

#include <cstddef>
#include <cstdint>

namespace handgrad::data {

/// The position of a loader: the batch that comes next is batch `batch` of epoch `epoch`, both counted from 0.
struct LoaderState {
    std::uint64_t epoch = 0; ///< number of complete passes over the data set
    std::size_t batch = 0;   ///< number of batches of the current pass that are done
};

/// A loader as the training loop sees it. A derived class adds a function next(), which returns the next batch, of a
/// type of its own, and advances state(). A batch must depend on state() alone, so that a resumed run sees the same
/// batches.
class Loader {
public:
    virtual ~Loader() = default;
    virtual std::size_t size() const = 0;         ///< number of batches in an epoch
    virtual std::size_t dataset_size() const = 0; ///< number of examples in the data set
    virtual LoaderState state() const = 0;        ///< the batch that comes next
    /// Moves to a position. @throws DataError if an epoch has no such batch
    virtual void restore(LoaderState state) = 0;
};

} // namespace handgrad::data
