#pragma once
/// @file
/// Finding out that a tensor was changed, or is gone, between two moments.

#include <cstdint>
#include <memory>

namespace handgrad {

/// Counts the changes of one tensor's numbers once they are watched; as PyTorch's version counter of a tensor.
///
/// A layer keeps a pointer to its input until backward. With a Watch it can refuse to go back from numbers that are no
/// longer those of its forward, instead of returning a wrong gradient.
class Version {
public:
    Version() = default;
    Version(const Version&) {}                           ///< of another tensor: nobody watches that one yet
    Version& operator=(const Version&) { return *this; } ///< the tensor whose numbers are replaced calls changed()
    ~Version() { gone(); }

    /// Says that the numbers may have changed; those of the tensor that this one is a view of, too.
    void changed() {
        if (own_) { ++*own_; }
        if (shown_) { ++*shown_; }
    }

    /// Says that the numbers are no longer here. Nobody watches the tensor afterwards.
    void gone() {
        if (own_) { ++*own_; }
        own_.reset();
        shown_.reset();
    }

    /// Says that the tensor shows the numbers of another one from now on: it is a view.
    void follow(const Version& other) {
        if (own_) { ++*own_; }
        shown_ = other.shown_ ? other.shown_ : other.own();
    }

private:
    friend class Watch;

    /// The number of changes of this tensor. The first call allocates it.
    const std::shared_ptr<std::uint64_t>& own() const {
        if (!own_) { own_ = std::make_shared<std::uint64_t>(0); }
        return own_;
    }

    mutable std::shared_ptr<std::uint64_t> own_; // null until somebody watches
    std::shared_ptr<std::uint64_t> shown_;       // of the tensor that this one is a view of, or null
};

/// A tensor's numbers at one moment. Made by watch(x); a Watch by itself watches nothing.
class Watch {
public:
    Watch() = default;
    /// The present moment.
    explicit Watch(const Version& version) : own_(version.own()), shown_(version.shown_), own_seen_(*own_) {
        if (shown_) { shown_seen_ = *shown_; }
    }
    /// Whether the numbers are still there and unchanged. False for a Watch of nothing.
    bool is_current() const { return own_ && *own_ == own_seen_ && (!shown_ || *shown_ == shown_seen_); }

private:
    std::shared_ptr<const std::uint64_t> own_, shown_;
    std::uint64_t own_seen_ = 0, shown_seen_ = 0;
};

} // namespace handgrad
