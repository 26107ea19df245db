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
    virtual std::size_t size() const = 0; ///< number of batches in an epoch
    /// Number of examples in the data set. An example is what Task::examples() counts: an image, or a token of a text.
    virtual std::size_t dataset_size() const = 0;
    /// Returns a hash of the examples, for a checkpoint: a resumed run must have the same data. A CRC-32 notices a
    /// changed, exchanged or missing example by mistake; it does not protect from data made to have the same hash.
    virtual std::uint32_t checksum() const = 0;
    virtual LoaderState state() const = 0; ///< the batch that comes next
    /// Moves to a position. @throws DataError if an epoch has no such batch
    virtual void restore(LoaderState state) = 0;
};

} // namespace handgrad::data
