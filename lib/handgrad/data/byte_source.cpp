#define ZLIB_CONST // zlib's input is const
#include "handgrad/data/byte_source.hpp"

#include <algorithm>
#include <new>
#include <utility>

#include <fmt/format.h>
#include <zlib.h>

#include "handgrad/error.hpp"

namespace handgrad::data {

ByteSource::ByteSource(std::string_view bytes, std::string name)
    : input_(bytes), name_(std::move(name)), largest_size_(bytes.size()) {
    if (bytes.substr(0, 2) != "\x1f\x8b") { return; }
    largest_size_ *= 1032; // deflate's best ratio: it repeats 258 bytes with two bits
    zlib_ = std::make_unique<z_stream_s>();
    constexpr int expect_gzip = 16 + MAX_WBITS;
    if (inflateInit2(zlib_.get(), expect_gzip) != Z_OK) { throw std::bad_alloc(); }
}

ByteSource::~ByteSource() {
    if (zlib_) { inflateEnd(zlib_.get()); }
}

std::size_t ByteSource::read(std::uint8_t* out, std::size_t count) {
    if (!zlib_) {
        count = input_.copy(reinterpret_cast<char*>(out), count);
        input_.remove_prefix(count);
        return count;
    }
    const auto piece = [](std::size_t size) { return static_cast<uInt>(std::min<std::size_t>(size, 1U << 30)); };
    std::size_t done = 0;
    while (done < count && !ended_) {
        const uInt available = piece(input_.size()), room = piece(count - done);
        zlib_->next_in = reinterpret_cast<const Bytef*>(input_.data());
        zlib_->avail_in = available;
        zlib_->next_out = out + done;
        zlib_->avail_out = room;
        const int status = inflate(zlib_.get(), Z_NO_FLUSH);
        input_.remove_prefix(available - zlib_->avail_in);
        done += room - zlib_->avail_out;
        ended_ = status == Z_STREAM_END; // zlib has compared the checksum and the length
        require<DataError>(status != Z_BUF_ERROR, "{}: the gzip data end too early: the file is truncated", name_);
        require<DataError>(status == Z_OK || ended_, "{}: the gzip data are damaged ({})", name_,
                           zlib_->msg != nullptr ? zlib_->msg : zError(status));
        require<DataError>(!ended_ || input_.empty(), "{}: {} bytes after the end of the gzip data", name_,
                           input_.size());
    }
    return done;
}

} // namespace handgrad::data
