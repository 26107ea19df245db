#include "handgrad/data/byte_source.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <system_error>

#include <fmt/format.h>
#include <zlib.h>

#include "handgrad/error.hpp"

namespace handgrad::data {
namespace {

class Memory final : public ByteSource {
public:
    Memory(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}

    std::size_t read(std::uint8_t* out, std::size_t count) override {
        count = std::min(count, size_ - position_);
        if (count > 0) { std::memcpy(out, data_ + position_, count); }
        position_ += count;
        return count;
    }
    std::uint64_t largest_size() const override { return size_; }
    bool size_is_exact() const override { return true; }

private:
    const std::uint8_t* data_;
    std::size_t size_;
    std::size_t position_ = 0;
};

class File final : public ByteSource {
public:
    explicit File(const std::filesystem::path& path) : name_(path.string()) {
        // Asked before opening: opening a FIFO waits for a writer, for ever if there is none.
        std::error_code error;
        const auto status = std::filesystem::status(path, error);
        if (!std::filesystem::exists(status)) { throw DataError(fmt::format("{}: no such file", name_)); }
        if (!std::filesystem::is_regular_file(status)) {
            throw DataError(fmt::format("{}: not a regular file", name_));
        }
        size_ = std::filesystem::file_size(path, error);
        stream_.open(path, std::ios::binary);
        if (error || !stream_) { throw DataError(fmt::format("{}: cannot be opened for reading", name_)); }
    }

    std::size_t read(std::uint8_t* out, std::size_t count) override {
        stream_.read(reinterpret_cast<char*>(out), static_cast<std::streamsize>(count));
        if (stream_.bad()) { throw DataError(fmt::format("{}: reading failed", name_)); }
        return static_cast<std::size_t>(stream_.gcount());
    }
    std::uint64_t largest_size() const override { return size_; }
    bool size_is_exact() const override { return true; }

    void rewind() {
        stream_.clear();
        stream_.seekg(0);
    }

private:
    std::string name_;
    std::ifstream stream_;
    std::uint64_t size_ = 0;
};

// Inflates in pieces, never more than the reader asks for: a bomb goes off only in a reader who asks for too much.
class Gunzip final : public ByteSource {
public:
    Gunzip(std::unique_ptr<ByteSource> packed, std::string name) : packed_(std::move(packed)), name_(std::move(name)) {
        const int expect_gzip = 16 + MAX_WBITS;
        if (inflateInit2(&zlib_, expect_gzip) != Z_OK) { throw DataError(fmt::format("{}: zlib fails", name_)); }
    }
    ~Gunzip() override { inflateEnd(&zlib_); }
    Gunzip(const Gunzip&) = delete;
    Gunzip& operator=(const Gunzip&) = delete;

    std::size_t read(std::uint8_t* out, std::size_t count) override {
        std::size_t done = 0;
        while (done < count && !ended_) {
            if (zlib_.avail_in == 0) {
                zlib_.next_in = input_.data();
                zlib_.avail_in = static_cast<uInt>(packed_->read(input_.data(), input_.size()));
            }
            const auto piece = static_cast<uInt>(std::min<std::size_t>(count - done, 1U << 30));
            zlib_.next_out = out + done;
            zlib_.avail_out = piece;
            const int status = inflate(&zlib_, Z_NO_FLUSH);
            done += piece - zlib_.avail_out;
            if (status == Z_STREAM_END) { // reached only after zlib has found checksum and length to be right
                ended_ = true;
                require_no_more_input();
            } else if (status == Z_BUF_ERROR) {
                throw DataError(fmt::format("{}: the gzip data ends too early, the file is truncated", name_));
            } else if (status != Z_OK) {
                throw DataError(fmt::format("{}: the gzip data is damaged ({})", name_,
                                            zlib_.msg != nullptr ? zlib_.msg : zError(status)));
            }
        }
        return done;
    }

    // Deflate's best: a block of 258-byte repeats at two bits each.
    std::uint64_t largest_size() const override { return 1032 * packed_->largest_size(); }
    bool size_is_exact() const override { return false; }

private:
    void require_no_more_input() {
        std::uint8_t byte = 0;
        if (zlib_.avail_in > 0 || packed_->read(&byte, 1) > 0) {
            throw DataError(fmt::format("{}: there are bytes after the end of the gzip data", name_));
        }
    }

    std::unique_ptr<ByteSource> packed_;
    std::string name_;
    z_stream zlib_{};
    std::array<std::uint8_t, 1 << 16> input_{};
    bool ended_ = false;
};

bool is_gzip(const std::uint8_t* start, std::size_t size) { return size >= 2 && start[0] == 0x1f && start[1] == 0x8b; }

} // namespace

std::unique_ptr<ByteSource> open_memory(const std::uint8_t* data, std::size_t size, const std::string& name) {
    auto memory = std::make_unique<Memory>(data, size);
    if (!is_gzip(data, size)) { return memory; }
    return std::make_unique<Gunzip>(std::move(memory), name);
}

std::unique_ptr<ByteSource> open_file(const std::filesystem::path& path) {
    auto file = std::make_unique<File>(path);
    std::array<std::uint8_t, 2> start{};
    const std::size_t size = file->read(start.data(), start.size());
    file->rewind();
    if (!is_gzip(start.data(), size)) { return file; }
    return std::make_unique<Gunzip>(std::move(file), path.string());
}

} // namespace handgrad::data
