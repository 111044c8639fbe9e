// libjpeg leaves a function that fails with longjmp: what it may jump over owns nothing.
#include <csetjmp>
#include <cstdio>
#include <cstring>
// Needs FILE and size_t before it.
#include <jerror.h>
#include <jpeglib.h>

#include "documents/detail/image_decoders.hpp"

namespace slipway::documents::detail {

namespace {

constexpr int scans_max =
    200;  ///< A file can ask for the whole picture's work with every few bytes.
constexpr std::size_t channels = 3;

struct Errors {
  jpeg_error_mgr manager;  ///< First: libjpeg hands out its address.
  std::jmp_buf place;
  char message[JMSG_LENGTH_MAX] = {};
};

[[noreturn]] void keep_error(j_common_ptr info) {
  auto* errors = reinterpret_cast<Errors*>(info->err);
  info->err->format_message(info, errors->message);
  std::longjmp(errors->place, 1);
}

/// Level -1 are warnings. Those after which pixels are made up are errors here.
void judge_message(j_common_ptr info, int level) {
  if (level >= 0) return;
  switch (info->err->msg_code) {
    case JWRN_ADOBE_XFORM:
    case JWRN_BOGUS_ICC:
    case JWRN_EXTRANEOUS_DATA:
    case JWRN_JFIF_MAJOR:
    case JWRN_TOO_MUCH_DATA: return;
    default: keep_error(info);
  }
}

void ignore_output(j_common_ptr) {}

void count_scans(j_common_ptr info) {
  if (reinterpret_cast<j_decompress_ptr>(info)->input_scan_number <= scans_max) return;
  auto* errors = reinterpret_cast<Errors*>(info->err);
  std::strncpy(errors->message, "it has too many scans", sizeof errors->message - 1);
  std::longjmp(errors->place, 1);
}

/// As Pillow reads all of them: inverted, as Adobe writes it.
void from_cmyk(const unsigned char* cmyk, std::size_t width, char* rgb) {
  for (std::size_t x = 0; x < width; ++x, cmyk += 4)
    for (std::size_t c = 0; c < channels; ++c)
      *rgb++ = static_cast<char>((cmyk[c] * cmyk[3] + 127) / 255);
}

class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {
    info_.err = jpeg_std_error(&errors_.manager);
    errors_.manager.error_exit = keep_error;
    errors_.manager.emit_message = judge_message;
    errors_.manager.output_message = ignore_output;
    progress_.progress_monitor = count_scans;
  }
  ~Reader() { jpeg_destroy_decompress(&info_); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  Result<Picture> read(std::size_t pixels_max) {
    TRY(step([this] {
      jpeg_create_decompress(&info_);
      info_.progress = &progress_;
      jpeg_mem_src(&info_, reinterpret_cast<const unsigned char*>(bytes_.data()), bytes_.size());
      jpeg_save_markers(&info_, JPEG_APP0 + 1, 0xFFFF);
      jpeg_read_header(&info_, TRUE);
    }));
    Picture picture;
    picture.image.width = info_.image_width;
    picture.image.height = info_.image_height;
    picture.orientation = orientation();  // Markers are gone once the picture is finished.
    TRY(check_pixels(picture.image.width, picture.image.height, pixels_max));
    const bool is_cmyk = info_.jpeg_color_space == JCS_CMYK || info_.jpeg_color_space == JCS_YCCK;
    info_.out_color_space = is_cmyk ? JCS_CMYK : JCS_RGB;
    TRY(step([this] { jpeg_start_decompress(&info_); }));
    const std::size_t line = picture.image.width * channels;
    std::string row(picture.image.width * static_cast<std::size_t>(info_.output_components), '\0');
    picture.image.rgb.resize(line * picture.image.height);
    auto* in = reinterpret_cast<unsigned char*>(row.data());
    char* out = picture.image.rgb.data();
    TRY(step([this, in, out, line, is_cmyk] { read_rows(in, out, line, is_cmyk); }));
    return picture;
  }

 private:
  void read_rows(unsigned char* in, char* out, std::size_t line, bool is_cmyk) {
    for (; info_.output_scanline < info_.output_height; out += line) {
      unsigned char* row = is_cmyk ? in : reinterpret_cast<unsigned char*>(out);
      jpeg_read_scanlines(&info_, &row, 1);
      if (is_cmyk) from_cmyk(in, info_.output_width, out);
    }
    jpeg_finish_decompress(&info_);
  }

  int orientation() const {
    constexpr std::string_view mark("Exif\0\0", 6);
    for (const auto* marker = info_.marker_list; marker != nullptr; marker = marker->next) {
      const std::string_view data(reinterpret_cast<const char*>(marker->data), marker->data_length);
      if (data.starts_with(mark)) return exif_orientation(data.substr(mark.size()));
    }
    return 1;
  }

  /// Calls of libjpeg; the function owns nothing.
  template <typename Calls>
  Result<void> step(const Calls& calls) {
    if (setjmp(errors_.place) == 0) {
      calls();
      return {};
    }
    return fail(Code::invalid_argument, "the JPEG picture is damaged: {}", errors_.message);
  }

  std::string_view bytes_;
  Errors errors_{};
  jpeg_progress_mgr progress_{};
  jpeg_decompress_struct info_{};
};

}  // namespace

Result<Picture> decode_jpeg(std::string_view bytes, std::size_t pixels_max) {
  return Reader(bytes).read(pixels_max);
}

}  // namespace slipway::documents::detail
