#include "http/detail/coding.hpp"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <charconv>

#include "http/detail/blanks.hpp"
#include "http/message.hpp"

namespace slipway::http::detail {

namespace {

constexpr int gzip_window = MAX_WBITS + 16;
constexpr int gzip_level = 5;  // Level 6 costs half as much again for one per cent.
constexpr int zstd_level = 3;
constexpr int zstd_window_log = 23;  // RFC 9659: 8 MiB is what a receiver must support.
constexpr std::size_t step_bytes = 64u << 10;

Error too_long(std::size_t bytes_max) {
  return fail(Code::rate_limited, "the body is longer than {} bytes when it is unpacked",
              bytes_max);
}

/// Makes room for one more step of output, and says how much.
Result<std::size_t> grow(std::string& out, std::size_t bytes_max) {
  // One byte beyond the limit tells "exactly full" from "more would come".
  const std::size_t room = std::min(step_bytes, bytes_max + 1 - std::min(out.size(), bytes_max));
  out.resize(out.size() + room);
  return room;
}

class InflateDecoder final : public Decoder {
 public:
  explicit InflateDecoder(Coding coding) : coding_(coding) {}
  ~InflateDecoder() override {
    if (is_open_) inflateEnd(&stream_);
  }

  Result<void> feed(std::string_view piece, std::string& out, std::size_t bytes_max) override {
    if (piece.empty()) return {};
    if (!is_open_) TRY(open(piece));
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(piece.data()));
    stream_.avail_in = static_cast<uInt>(piece.size());
    for (;;) {
      if (ended_) {
        // Members may follow one another in gzip; anything else is garbage.
        if (stream_.avail_in == 0) return {};
        if (coding_ != Coding::gzip) return fail(Code::invalid_argument, "bytes follow the body");
        inflateReset(&stream_);
        ended_ = false;
      }
      const std::size_t before = out.size();
      const std::size_t room = TRY(grow(out, bytes_max));
      stream_.next_out = reinterpret_cast<Bytef*>(out.data() + before);
      stream_.avail_out = static_cast<uInt>(room);
      const int code = inflate(&stream_, Z_NO_FLUSH);
      out.resize(before + room - stream_.avail_out);
      if (out.size() > bytes_max) {
        out.resize(bytes_max);
        return too_long(bytes_max);
      }
      ended_ = code == Z_STREAM_END;
      if (code == Z_BUF_ERROR || (code == Z_OK && stream_.avail_in == 0 && stream_.avail_out > 0))
        return {};
      if (code != Z_OK && code != Z_STREAM_END)
        return fail(Code::invalid_argument, "the body is not sound {} data", name(coding_));
    }
  }

  Result<void> end() override {
    if (!is_open_ || !ended_)
      return fail(Code::invalid_argument, "the {} data of the body ends too early", name(coding_));
    return {};
  }

 private:
  /// "deflate" means a zlib wrapper, but many send it bare.
  Result<void> open(std::string_view piece) {
    int window = gzip_window;
    if (coding_ == Coding::deflate)
      window =
          (static_cast<unsigned char>(piece.front()) & 0x0f) == Z_DEFLATED ? MAX_WBITS : -MAX_WBITS;
    if (inflateInit2(&stream_, window) != Z_OK)
      return fail(Code::unavailable, "no memory to unpack the body");
    is_open_ = true;
    return {};
  }

  const Coding coding_;
  z_stream stream_{};
  bool is_open_ = false;
  bool ended_ = false;
};

class ZstdDecoder final : public Decoder {
 public:
  ZstdDecoder() : stream_(ZSTD_createDCtx()) {
    SLIPWAY_ASSERT(stream_ != nullptr);
    ZSTD_DCtx_setParameter(stream_, ZSTD_d_windowLogMax, zstd_window_log);
  }
  ~ZstdDecoder() override { ZSTD_freeDCtx(stream_); }

  Result<void> feed(std::string_view piece, std::string& out, std::size_t bytes_max) override {
    ZSTD_inBuffer in{piece.data(), piece.size(), 0};
    bool may_have_more = false;
    while (in.pos < in.size || may_have_more) {
      const std::size_t before = out.size();
      const std::size_t room = TRY(grow(out, bytes_max));
      ZSTD_outBuffer to{out.data() + before, room, 0};
      left_ = ZSTD_decompressStream(stream_, &to, &in);
      out.resize(before + to.pos);
      if (ZSTD_isError(left_))
        return fail(Code::invalid_argument, "the body is not sound zstd data ({})",
                    ZSTD_getErrorName(left_));
      if (out.size() > bytes_max) {
        out.resize(bytes_max);
        return too_long(bytes_max);
      }
      may_have_more = to.pos == to.size && left_ != 0;
    }
    return {};
  }

  Result<void> end() override {
    if (left_ != 0) return fail(Code::invalid_argument, "the zstd data of the body ends too early");
    return {};
  }

 private:
  ZSTD_DCtx* const stream_;
  std::size_t left_ = 1;
};

class DeflateEncoder final : public Encoder {
 public:
  explicit DeflateEncoder(Coding coding) {
    const int window = coding == Coding::gzip ? gzip_window : MAX_WBITS;
    SLIPWAY_ASSERT(deflateInit2(&stream_, gzip_level, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY) ==
                   Z_OK);
  }
  ~DeflateEncoder() override { deflateEnd(&stream_); }

  void feed(std::string_view piece, Then then, std::string& out) override {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(piece.data()));
    stream_.avail_in = static_cast<uInt>(piece.size());
    std::size_t room = 0;
    do {
      const std::size_t before = out.size();
      room = std::min(step_bytes, piece.size() / 2 + 128);
      out.resize(before + room);
      stream_.next_out = reinterpret_cast<Bytef*>(out.data() + before);
      stream_.avail_out = static_cast<uInt>(room);
      deflate(&stream_, then == Then::end ? Z_FINISH : Z_SYNC_FLUSH);
      out.resize(before + room - stream_.avail_out);
    } while (stream_.avail_out == 0);
  }

 private:
  z_stream stream_{};
};

class ZstdEncoder final : public Encoder {
 public:
  ZstdEncoder() : stream_(ZSTD_createCCtx()) {
    SLIPWAY_ASSERT(stream_ != nullptr);
    ZSTD_CCtx_setParameter(stream_, ZSTD_c_compressionLevel, zstd_level);
  }
  ~ZstdEncoder() override { ZSTD_freeCCtx(stream_); }

  void feed(std::string_view piece, Then then, std::string& out) override {
    ZSTD_inBuffer in{piece.data(), piece.size(), 0};
    std::size_t left = 0;
    do {
      const std::size_t before = out.size();
      const std::size_t room = std::min(step_bytes, piece.size() / 2 + 256);
      out.resize(before + room);
      ZSTD_outBuffer to{out.data() + before, room, 0};
      left = ZSTD_compressStream2(stream_, &to, &in, then == Then::end ? ZSTD_e_end : ZSTD_e_flush);
      SLIPWAY_ASSERT(!ZSTD_isError(left));
      out.resize(before + to.pos);
    } while (left != 0);
  }

 private:
  ZSTD_CCtx* const stream_;
};

/// "0.5" of ";q=0.5" in thousandths; 1000 without one, 0 for what cannot be read.
int weight(std::string_view parameters) {
  const std::size_t at = parameters.find("q=");
  if (at == std::string_view::npos) return 1000;
  const std::string_view text = without_blanks(parameters.substr(at + 2));
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || !(value >= 0) || value > 1) return 0;
  return static_cast<int>(value * 1000);
}

}  // namespace

std::string_view name(Coding coding) {
  switch (coding) {
    case Coding::gzip: return "gzip";
    case Coding::deflate: return "deflate";
    case Coding::zstd: return "zstd";
    case Coding::identity: break;
  }
  return "identity";
}

std::optional<Coding> parse_coding(std::string_view value) {
  value = without_blanks(value);
  if (value.empty() || equals_ignoring_case(value, "identity")) return Coding::identity;
  if (equals_ignoring_case(value, "gzip") || equals_ignoring_case(value, "x-gzip"))
    return Coding::gzip;
  if (equals_ignoring_case(value, "deflate")) return Coding::deflate;
  if (equals_ignoring_case(value, "zstd")) return Coding::zstd;
  return {};
}

Coding choose_coding(std::string_view accept_encoding) {
  constexpr Coding preferred[] = {Coding::zstd, Coding::gzip, Coding::deflate};
  constexpr int unnamed = -1;
  int weights[] = {unnamed, unnamed, unnamed};
  int others = 0;
  int identity = unnamed;
  while (!accept_encoding.empty()) {
    const std::string_view one = accept_encoding.substr(0, accept_encoding.find(','));
    accept_encoding.remove_prefix(std::min(accept_encoding.size(), one.size() + 1));
    const std::size_t semicolon = one.find(';');
    const std::string_view coding = without_blanks(one.substr(0, semicolon));
    const int weighs =
        semicolon == std::string_view::npos ? 1000 : weight(one.substr(semicolon + 1));
    if (coding == "*") others = weighs;
    if (equals_ignoring_case(coding, "identity")) identity = weighs;
    for (std::size_t i = 0; i < std::size(preferred); ++i)
      if (equals_ignoring_case(coding, name(preferred[i]))) weights[i] = weighs;
  }
  Coding best = Coding::identity;
  int best_weight = std::max(identity, 0);
  for (std::size_t i = 0; i < std::size(preferred); ++i) {
    const int weighs = weights[i] == unnamed ? others : weights[i];
    // A coding that weighs as much as no coding is worth more.
    const bool wins = best == Coding::identity ? weighs >= best_weight : weighs > best_weight;
    if (weighs == 0 || !wins) continue;
    best = preferred[i];
    best_weight = weighs;
  }
  return best;
}

bool is_compressible(std::string_view media_type) {
  media_type = without_blanks(media_type.substr(0, media_type.find(';')));
  constexpr std::string_view applications[] = {
      "application/json",     "application/javascript",   "application/xml",
      "application/x-ndjson", "application/problem+json", "application/openmetrics-text",
      "application/wasm",     "application/yaml",         "image/svg+xml"};
  return media_type.starts_with("text/") || media_type.ends_with("+json") ||
         media_type.ends_with("+xml") ||
         std::find(std::begin(applications), std::end(applications), media_type) !=
             std::end(applications);
}

std::unique_ptr<Decoder> Decoder::make(Coding coding) {
  if (coding == Coding::zstd) return std::make_unique<ZstdDecoder>();
  if (coding == Coding::identity) return nullptr;
  return std::make_unique<InflateDecoder>(coding);
}

std::unique_ptr<Encoder> Encoder::make(Coding coding) {
  if (coding == Coding::zstd) return std::make_unique<ZstdEncoder>();
  if (coding == Coding::identity) return nullptr;
  return std::make_unique<DeflateEncoder>(coding);
}

std::optional<std::string> compress(Coding coding, std::string_view body) {
  const auto encoder = Encoder::make(coding);
  if (!encoder) return {};
  std::string packed;
  encoder->feed(body, Encoder::Then::end, packed);
  if (packed.size() >= body.size()) return {};
  return packed;
}

}  // namespace slipway::http::detail
