#pragma once
// A saved run, and the message with which a changed file is refused.

#include <functional>
#include <string>

#include "catch.hpp"
#include "handgrad/io/safetensors.hpp"
#include "support/resumable.hpp"
#include "support/temporary_folder.hpp"
#include "support/tensors.hpp"

namespace support {

/// Writes the file again with other contents and their right checksum.
inline void write_sealed(const std::filesystem::path& path, handgrad::io::Safetensors file) {
    seal(file);
    handgrad::io::write_safetensors(path, file);
}

/// The whole state of a run, for comparison bit by bit.
template <class B> std::string all_of(const Resumable<B>& r, const TemporaryFolder& folder) {
    r.save(folder / "all");
    return read_bytes(folder / "all");
}

/// A saved run in the middle of its second epoch.
struct Saved {
    TemporaryFolder folder;
    std::filesystem::path path = folder / "run";
    Saved() {
        Resumable<handgrad::Cpu<float>> r;
        r.go(7);
        r.save(path);
    }
    std::string message(const std::function<void(handgrad::io::Safetensors&)>& change) {
        handgrad::io::Safetensors file = handgrad::io::read_safetensors(path);
        change(file);
        write_sealed(folder / "changed", file);
        return refusal(folder / "changed");
    }
    /// The message with which the file is refused, without the path. Checks that the run to restore has not changed.
    std::string refusal(const std::filesystem::path& file) {
        Resumable<handgrad::Cpu<float>> fresh;
        fresh.go(3);
        const std::string before = all_of(fresh, folder);
        std::string message = message_of<handgrad::DataError>([&] { fresh.load(file); });
        if (message == "no exception") { return message; }
        CHECK(all_of(fresh, folder) == before);
        const std::string start = file.string() + ": ";
        return message.substr(0, start.size()) == start ? message.substr(start.size()) : message;
    }
};

} // namespace support
