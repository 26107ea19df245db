#include "handgrad/io/json.hpp"

#include <nlohmann/json.hpp>

#include "handgrad/io/atomic_file.hpp"

namespace handgrad::io {

template <class Json> void write_json(const std::filesystem::path& path, const Json& value) {
    write_file(path, value.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}
template void write_json(const std::filesystem::path&, const nlohmann::ordered_json&);
template void write_json(const std::filesystem::path&, const nlohmann::json&);

} // namespace handgrad::io
