// Files of tensors. What is read is written and read once more: it must be the same.

#include "handgrad/io/safetensors.hpp"
#include "fuzz.hpp"
#include "handgrad/error.hpp"

using namespace handgrad;
using namespace fuzz;

namespace {

void require_complete(const io::Safetensors& file, std::size_t size) {
    std::size_t bytes = 0;
    for (const auto& tensor : file.tensors) {
        std::size_t numbers = 1;
        for (const std::size_t extent : tensor.shape) { numbers *= extent; }
        require(numbers * io::size_of(tensor.dtype) == tensor.bytes.size(), "a tensor has all of its numbers");
        bytes += tensor.bytes.size();
        require(file.find(tensor.name) == &tensor, "no name is there twice");
        if (tensor.dtype == io::Dtype::f32) { require(io::tensor_of<float>(tensor).size() == numbers, "as floats"); }
        if (tensor.dtype == io::Dtype::i64) {
            require(io::tensor_of<std::int64_t>(tensor).size() == numbers, "as whole numbers");
        }
    }
    require(bytes + 10 <= size, "no number comes from nowhere");
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    io::Safetensors file;
    try {
        file = io::parse_safetensors(bytes, "file");
    } catch (const DataError& error) {
        require_one_line(error.what(), "file: ");
        return 0;
    }
    require_complete(file, size);
    const std::string written = io::to_bytes(file);
    const io::Safetensors again = io::parse_safetensors(written, "again");
    require(io::to_bytes(again) == written, "what is written is read as the same");
    require(io::checksum(again, "") == io::checksum(file, ""), "with the same checksum");
    return 0;
}
