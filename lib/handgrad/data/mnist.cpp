#include "handgrad/data/mnist.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <string_view>

#include <dlfcn.h>
#include <fmt/format.h>

#include "handgrad/data/idx.hpp"
#include "handgrad/error.hpp"

namespace handgrad::data {
namespace {

using Path = std::filesystem::path;

// The folder that HANDGRAD_DATA names; empty if it names none.
Path named_folder() {
    const char* const variable = std::getenv("HANDGRAD_DATA");
    return variable != nullptr ? variable : "";
}

// share/handgrad/data above the running program or, if this library is a shared one, above the library: the data are
// there if an installed folder was moved as a whole. Empty if there is no such folder.
Path moved_folder() {
    std::error_code ignored;
    Dl_info library{};
    dladdr(reinterpret_cast<const void*>(&moved_folder), &library);
    for (Path place : {std::filesystem::read_symlink("/proc/self/exe", ignored),
                       Path(library.dli_fname != nullptr ? library.dli_fname : "")}) {
        while (place.has_relative_path()) {
            place = place.parent_path();
            const Path folder = place / "share/handgrad/data";
            if (std::filesystem::is_directory(folder, ignored)) { return folder; }
        }
    }
    return {};
}

} // namespace

std::vector<Path> data_folders(const std::string& subfolder, const Path& folder, const Path& own) {
    if (!folder.empty()) { return {folder, folder / subfolder}; }
    std::error_code ignored;
    if (const Path named = named_folder(); !named.empty()) {
        require<DataError>(std::filesystem::is_directory(named, ignored), "HANDGRAD_DATA: {} is not a folder",
                           named.string());
        return {named, named / subfolder};
    }
    if (own.empty()) { return {}; }
    const Path moved = std::filesystem::is_directory(own, ignored) ? Path() : moved_folder();
    return {(moved.empty() ? own : moved) / subfolder};
}

namespace {

// The file with one of the names of a stem and a kind: train-images-idx3-ubyte and so on for "train-images" and "idx3".
// Empty if there is none. A folder without read permission is an error.
Path find_file(const Path& folder, std::string_view stem, std::string_view kind) {
    for (const char separator : {'-', '.'}) {
        for (const char* suffix : {"", ".gz"}) {
            const Path path = folder / fmt::format("{}{}{}-ubyte{}", stem, separator, kind, suffix);
            std::error_code error;
            if (std::filesystem::exists(path, error)) { return path; }
            if (error) { throw DataError(fmt::format("{}: {}", path.string(), error.message())); }
        }
    }
    return {};
}

struct Files {
    Path images, labels;
};

Files find_files(const std::vector<Path>& folders, std::string_view prefix, const std::string& name) {
    const std::string image_stem = fmt::format("{}-images", prefix);
    const std::string label_stem = fmt::format("{}-labels", prefix);
    std::string tried;
    for (const Path& folder : folders) {
        const Files files{find_file(folder, image_stem, "idx3"), find_file(folder, label_stem, "idx1")};
        if (!files.images.empty() && !files.labels.empty()) { return files; }
        if (!files.images.empty() || !files.labels.empty()) {
            throw DataError(fmt::format("{}: there is {} but no {}-ubyte[.gz] beside it", name,
                                        files.images.empty() ? files.labels.string() : files.images.string(),
                                        files.images.empty() ? image_stem + "-idx3" : label_stem + "-idx1"));
        }
        tried += (tried.empty() ? "" : ", ") + folder.string();
    }
    const bool named = !folders.empty() && folders.front() == named_folder();
    throw DataError(fmt::format("{}: found no {}-idx3-ubyte[.gz] and {}-idx1-ubyte[.gz]; tried {}{}", name, image_stem,
                                label_stem, tried, named ? ", given by HANDGRAD_DATA" : ""));
}

ImageDataset load(const std::string& title, Split split, const std::vector<Path>& folders,
                  std::vector<std::string> class_names) {
    ImageDataset dataset;
    dataset.name = title + (split == Split::train ? " train" : " test");
    dataset.class_names = std::move(class_names);
    const Files files = find_files(folders, split == Split::train ? "train" : "t10k", dataset.name);

    Idx labels = read_idx(files.labels, 1);
    const auto wrong = std::find_if(labels.bytes.begin(), labels.bytes.end(),
                                    [&](std::uint8_t label) { return label >= dataset.class_names.size(); });
    if (wrong != labels.bytes.end()) {
        throw DataError(fmt::format("{}: label {} of image {} is out of range, expected 0 to {}", files.labels.string(),
                                    *wrong, wrong - labels.bytes.begin(), dataset.class_names.size() - 1));
    }

    Idx images = read_idx(files.images, 3, [&](const Shape& shape) { // before memory is allocated for the pixels
        require<DataError>(shape[1] == 28 && shape[2] == 28, "{}: images of {} x {} pixels, expected 28 x 28",
                           files.images.string(), shape[1], shape[2]);
        require<DataError>(shape[0] == labels.shape[0], "{}: {} images, but {} has {} labels", files.images.string(),
                           shape[0], files.labels.string(), labels.shape[0]);
    });
    if (labels.shape[0] == 0) { throw DataError(fmt::format("{}: holds no images", files.images.string())); }

    dataset.height = images.shape[1];
    dataset.width = images.shape[2];
    dataset.pixels = std::move(images.bytes);
    dataset.labels = std::move(labels.bytes);
    return dataset;
}

} // namespace

std::vector<Path> mnist_folders(const Path& folder, const Path& own) { return data_folders("mnist", folder, own); }

std::vector<Path> fashion_mnist_folders(const Path& folder, const Path& own) {
    std::vector<Path> folders = data_folders("fashion-mnist", folder, own);
    if (folder.empty() && named_folder().empty()) { folders.emplace_back("/usr/share/datasets/fashion-mnist"); }
    return folders;
}

ImageDataset load_mnist(Split split, const Path& folder, const Path& own) {
    return load("MNIST", split, mnist_folders(folder, own), {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"});
}

ImageDataset load_fashion_mnist(Split split, const Path& folder, const Path& own) {
    return load(
        "Fashion-MNIST", split, fashion_mnist_folders(folder, own),
        {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"});
}

PixelStatistics pixel_statistics(const ImageDataset& dataset) {
    if (dataset.pixels.empty()) { throw ShapeError("pixel_statistics: the data set has no pixels"); }
    std::array<std::uint64_t, 256> count{};
    for (const std::uint8_t pixel : dataset.pixels) { ++count[pixel]; }

    const auto total = static_cast<double>(dataset.pixels.size());
    double mean = 0.0;
    for (std::size_t v = 0; v < 256; ++v) {
        mean += static_cast<double>(count[v]) / total * (static_cast<double>(v) / 255.0);
    }
    double variance = 0.0;
    for (std::size_t v = 0; v < 256; ++v) {
        const double deviation = static_cast<double>(v) / 255.0 - mean;
        variance += static_cast<double>(count[v]) / total * deviation * deviation;
    }
    return {mean, std::sqrt(variance)};
}

} // namespace handgrad::data
