#include "handgrad/train/checkpoint_text.hpp"

#include <sstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "handgrad/error.hpp"
#include "handgrad/io/shown.hpp"

namespace handgrad::train {
namespace {

const std::string option_prefix = "option.";
constexpr const char* model_key = "handgrad.model";
constexpr const char* optimizer_key = "handgrad.optimizer";
constexpr const char* data_key = "handgrad.data";

/// The text as a file can hold it: U+FFFD in place of bytes that are not UTF-8.
std::string utf8(const std::string& text) {
    using Json = nlohmann::json;
    return Json::parse(Json(text).dump(-1, ' ', false, Json::error_handler_t::replace)).get<std::string>();
}

/// The text under this key, which a checkpoint must have.
const std::string& required(const CheckpointFile& file, const char* key) {
    const std::string* const text = file.text(key);
    if (text == nullptr) { file.fail(fmt::format("has no '{}' in its metadata", key)); }
    return *text;
}

void require_same(const CheckpointFile& file, const char* key, const char* what, const std::string& expected) {
    const std::string& got = required(file, key);
    if (got != expected) { file.fail(fmt::format("{} was {}, expected {}", what, got, expected)); }
}

/// A model's printout has many lines; the first that differs says enough.
void require_same_model(const CheckpointFile& file, const std::string& expected) {
    std::istringstream got_lines(required(file, model_key)), expected_lines(expected);
    std::string got, wanted;
    for (int line = 1;; ++line) {
        const bool more = static_cast<bool>(std::getline(got_lines, got));
        const bool more_wanted = static_cast<bool>(std::getline(expected_lines, wanted));
        if (!more && !more_wanted) { return; }
        if (!more || !more_wanted || got != wanted) {
            file.fail(fmt::format("holds another model: line {} of it is {}, expected {}", line,
                                  more ? io::shown(got) : "not there",
                                  more_wanted ? io::shown(wanted) : "no such line"));
        }
    }
}

} // namespace

std::map<std::string, std::string> to_metadata(const RunTexts& texts) {
    std::map<std::string, std::string> metadata{
        {model_key, texts.model}, {optimizer_key, texts.optimizer}, {data_key, texts.data}};
    for (const auto& [name, value] : texts.options) { metadata[option_prefix + name] = utf8(value); }
    return metadata;
}

void require_same_options(const CheckpointFile& file, const std::map<std::string, std::string>& options) {
    for (const auto& [name, value] : options) {
        const std::string* const saved = file.text(option_prefix + name);
        if (saved != nullptr && *saved != utf8(value)) {
            file.fail(fmt::format("was saved with {} {}, and this run has {} {}: it can only go on with the same", name,
                                  *saved, name, value));
        }
    }
}

void require_same_texts(const CheckpointFile& file, const RunTexts& texts) {
    require_same_model(file, texts.model);
    require_same(file, optimizer_key, "its optimizer", texts.optimizer);
    require_same(file, data_key, "its training data", texts.data);
    for (const auto& [name, value] : texts.options) {
        if (file.text(option_prefix + name) == nullptr) {
            file.fail(fmt::format("was saved without {}, and this run has {} {}", name, name, value));
        }
    }
    for (const auto& [key, value] : file.metadata()) {
        if (key.compare(0, option_prefix.size(), option_prefix) != 0) { continue; }
        const std::string name = key.substr(option_prefix.size());
        if (texts.options.count(name) == 0) {
            file.fail(fmt::format("was saved with {} {}, and this run has no such option", name, value));
        }
    }
}

bool take_random(const CheckpointFile& file, bool wanted, Random& random) {
    const std::string* const state = file.text(random_key);
    if ((state != nullptr) != wanted) {
        file.fail(wanted ? "has no state of a random stream, and this run draws from one"
                         : "has the state of a random stream, and this run draws from none");
    }
    if (state == nullptr) { return false; }
    try {
        random.set_state(*state);
    } catch (const DataError& error) { file.fail(error.what()); }
    return true;
}

} // namespace handgrad::train
