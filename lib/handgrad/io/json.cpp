#include "handgrad/io/json.hpp"

#include <nlohmann/json.hpp>

#include "handgrad/io/atomic_file.hpp"

namespace handgrad::io {
namespace {

template <class Json> void write(const std::filesystem::path& path, const Json& value) {
    write_file(path, value.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

} // namespace

void write_json(const std::filesystem::path& path, const nlohmann::ordered_json& value) { write(path, value); }
void write_json(const std::filesystem::path& path, const nlohmann::json& value) { write(path, value); }

} // namespace handgrad::io
