#pragma once
/// @file
/// Detects that a tensor has been changed or destroyed since a point in time.

#include <cstdint>
#include <memory>

namespace handgrad {

/// Counts the changes of a tensor's numbers, from the first watch() on, as the version counter of a tensor in PyTorch.
///
/// A layer keeps a pointer to its input until backward. If the numbers have changed since forward, the gradient would
/// be wrong; a Watch tells the layer, and backward throws an exception.
class Version {
public:
    Version() = default;
    Version(const Version&) {}                           ///< a copy has no watches yet
    Version& operator=(const Version&) { return *this; } ///< the assigned tensor calls changed()
    ~Version() { gone(); }

    /// Counts a change of the numbers, and of those of the tensor that this one is a view of.
    void changed() {
        if (own_) { ++*own_; }
        if (shown_) { ++*shown_; }
    }

    /// Counts the end of the numbers, moved or destroyed, as a change, and ends all watches.
    void gone() {
        if (own_) { ++*own_; }
        own_.reset();
        shown_.reset();
    }

    /// Makes this the version of a view of the other tensor.
    void follow(const Version& other) {
        if (own_) { ++*own_; }
        shown_ = other.shown_ ? other.shown_ : other.own();
    }

private:
    friend class Watch;

    /// The counter of this tensor. The first call allocates it.
    const std::shared_ptr<std::uint64_t>& own() const {
        if (!own_) { own_ = std::make_shared<std::uint64_t>(0); }
        return own_;
    }

    mutable std::shared_ptr<std::uint64_t> own_; // null before the first watch
    std::shared_ptr<std::uint64_t> shown_;       // counter of the tensor that this one is a view of, or null
};

/// The version of a tensor at one point in time, made by watch(x). A default-constructed Watch watches nothing.
class Watch {
public:
    Watch() = default;
    /// The version as it is now.
    explicit Watch(const Version& version) : own_(version.own()), shown_(version.shown_), own_seen_(*own_) {
        if (shown_) { shown_seen_ = *shown_; }
    }
    /// Whether the numbers still exist and have not changed. False for a Watch of nothing.
    bool is_current() const { return own_ && *own_ == own_seen_ && (!shown_ || *shown_ == shown_seen_); }

private:
    std::shared_ptr<const std::uint64_t> own_, shown_;
    std::uint64_t own_seen_ = 0, shown_seen_ = 0;
};

} // namespace handgrad
