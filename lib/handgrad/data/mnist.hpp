#pragma once
/// @file
/// MNIST and Fashion-MNIST: 60,000 training and 10,000 test images of 28 x 28 grey pixels in ten classes.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace handgrad::data {

/// The folder of the data sets that come with handgrad: in the source tree, or in the package that
/// find_package(handgrad) found. CMake's target handgrad::handgrad passes it to the program. The library itself does
/// not contain the path, because it may be moved after compilation.
#ifdef HANDGRAD_DATA_DIR
constexpr const char* const own_folder = HANDGRAD_DATA_DIR;
#else
constexpr const char* const own_folder = "";
#endif

/// The part of a data set.
enum class Split {
    train, ///< for training
    test   ///< for measuring, never for training
};

/// Labelled grey images, stored as bytes: a quarter of the memory of floats. DataLoader makes tensors of them.
struct ImageDataset {
    std::string name;                     ///< "MNIST train"
    std::vector<std::string> class_names; ///< names of the classes 0, 1, .. K-1
    std::size_t height = 0;               ///< H, pixels
    std::size_t width = 0;                ///< W, pixels
    std::vector<std::uint8_t> pixels;     ///< (N, H, W) row-major: 0 background, 255 full ink
    std::vector<std::uint8_t> labels;     ///< (N): 0 .. K-1

    /// N, the number of images.
    std::size_t size() const { return labels.size(); }

    /// The H W pixels of image n, row by row.
    const std::uint8_t* image(std::size_t n) const { return pixels.data() + n * height * width; }
};

/// Handwritten digits. Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten digits" (1998).
///
/// Searches the folders of mnist_folders() for files with the official names (train-images-idx3-ubyte, or
/// train-images.idx3-ubyte as some unpackers write it), with and without .gz.
/// @param split training or test images
/// @param folder folder to search; empty: the one that HANDGRAD_DATA names, or `own`
/// @param own folder of the data sets that come with handgrad; empty: none
/// @throws DataError if the files are not found (the message lists every folder), are damaged, or have different
///         numbers of images and labels, images that are not 28 x 28, or a label above 9
ImageDataset load_mnist(Split split, const std::filesystem::path& folder = {},
                        const std::filesystem::path& own = own_folder);

/// Ten kinds of clothing in MNIST's format. H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST: a Novel Image Dataset for
/// Benchmarking Machine Learning Algorithms" (2017), arXiv:1708.07747. As load_mnist, in the folders of
/// fashion_mnist_folders().
ImageDataset load_fashion_mnist(Split split, const std::filesystem::path& folder = {},
                                const std::filesystem::path& own = own_folder);

/// Returns the folders that load_mnist searches, in this order. If `folder` is given: folder and folder/mnist, and no
/// others, so that a mistyped folder is an error and does not load another data set. Otherwise, if the environment
/// variable HANDGRAD_DATA is set and not empty: the same two for the folder that it names, and no others. Otherwise:
/// own/mnist. If `own` does not exist, share/handgrad/data above the program or the shared library replaces it. Throws
/// DataError if HANDGRAD_DATA names something that is not a folder.
std::vector<std::filesystem::path> mnist_folders(const std::filesystem::path& folder = {},
                                                 const std::filesystem::path& own = own_folder);

/// As mnist_folders, with another subfolder for mnist.
std::vector<std::filesystem::path> data_folders(const std::string& subfolder, const std::filesystem::path& folder = {},
                                                const std::filesystem::path& own = own_folder);

/// As mnist_folders, with fashion-mnist for mnist; after own/fashion-mnist comes the folder of Debian's package
/// dataset-fashion-mnist.
std::vector<std::filesystem::path> fashion_mnist_folders(const std::filesystem::path& folder = {},
                                                         const std::filesystem::path& own = own_folder);

/// The mean and the population standard deviation of all pixels, scaled to [0, 1].
struct PixelStatistics {
    double mean; ///< 0.1307 for MNIST's training images
    double std;  ///< 0.3081 for MNIST's training images
};

/// Returns mean and standard deviation, from the counts of the 256 values: exact to rounding. Throws ShapeError if the
/// data set is empty.
PixelStatistics pixel_statistics(const ImageDataset& dataset);

} // namespace handgrad::data
