#pragma once
/// @file
/// Finding out that a tensor was changed, or is gone, between two moments.

#include <cstdint>
#include <memory>
#include <utility>

namespace handgrad {

/// Counts the changes of one tensor's numbers, once somebody watches them; as PyTorch's version counter of a tensor.
///
/// A layer keeps a pointer to its input until backward. With a Watch it can refuse to go back from numbers that are no
/// longer those of its forward, instead of returning a wrong gradient.
class Version {
public:
    Version() = default;
    Version(const Version&) {}                           ///< of another tensor: nobody watches that one yet
    Version& operator=(const Version&) { return *this; } ///< the tensor whose numbers are replaced calls changed()
    ~Version() { gone(); }

    /// Says that the numbers may have changed.
    void changed() {
        if (count_) { ++*count_; }
    }

    /// Says that the numbers are no longer here. Nobody watches the tensor afterwards.
    void gone() {
        if (!is_view_) { changed(); }
        count_.reset();
        is_view_ = false;
    }

    /// Follows the numbers of another tensor: this one is a view of it.
    void follow(const Version& other) {
        gone();
        count_ = other.shared();
        is_view_ = true;
    }

    /// The number of changes so far, shared with who watches. The first call allocates it.
    const std::shared_ptr<std::uint64_t>& shared() const {
        if (!count_) { count_ = std::make_shared<std::uint64_t>(0); }
        return count_;
    }

private:
    mutable std::shared_ptr<std::uint64_t> count_; // null until somebody watches
    bool is_view_ = false;
};

/// A tensor's numbers as they are now.
class Watch {
public:
    Watch() = default;
    /// Remembers this moment.
    explicit Watch(const Version& version) : count_(version.shared()), seen_(*count_) {}
    /// Whether the numbers are still there and unchanged. False for a Watch of nothing.
    bool is_current() const { return count_ && *count_ == seen_; }

private:
    std::shared_ptr<const std::uint64_t> count_;
    std::uint64_t seen_ = 0;
};

} // namespace handgrad
