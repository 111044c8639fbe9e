#include "core/masking.hpp"

#include <algorithm>
#include <array>

#include "core/json.hpp"

namespace slipway {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string digits_of(std::string_view text) {
  std::string digits;
  std::copy_if(text.begin(), text.end(), std::back_inserter(digits), is_digit);
  return digits;
}

/// The check digit of payment cards.
bool is_card(std::string_view match) {
  const std::string digits = digits_of(match);
  constexpr std::size_t digits_min = 13, digits_max = 19;
  if (digits.size() < digits_min || digits.size() > digits_max) return false;
  int sum = 0;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    int digit = digits[digits.size() - 1 - i] - '0';
    if (i % 2 == 1) digit = digit * 2 > 9 ? digit * 2 - 9 : digit * 2;
    sum += digit;
  }
  return sum % 10 == 0 && digits.find_first_not_of('0') != std::string::npos;
}

/// Seven digits alone are an order or a year; a number that is dialled has a prefix or more.
bool is_phone(std::string_view match) {
  const std::string digits = digits_of(match);
  constexpr std::size_t digits_min = 7, digits_max = 15, without_prefix_min = 10;
  if (digits.size() < digits_min || digits.size() > digits_max) return false;
  const bool has_prefix = match.front() == '+' || match.front() == '(' || match.front() == '0';
  return has_prefix || digits.size() >= without_prefix_min;
}

bool is_ip(std::string_view match) {
  int value = 0;
  for (const char c : std::string(match) + ".") {
    if (c == '.') {
      value = 0;
      continue;
    }
    value = value * 10 + (c - '0');
    if (value > 255) return false;
  }
  return true;
}

/// Its remainder by 97 is 1 when the first four characters are put last.
bool is_iban(std::string_view match) {
  std::string text;
  std::copy_if(match.begin(), match.end(), std::back_inserter(text),
               [](char c) { return c != ' '; });
  constexpr std::size_t length_min = 15, length_max = 34;
  if (text.size() < length_min || text.size() > length_max) return false;
  std::rotate(text.begin(), text.begin() + 4, text.end());
  int remainder = 0;
  for (const char c : text)
    remainder =
        is_digit(c) ? (remainder * 10 + (c - '0')) % 97 : (remainder * 100 + (c - 'A' + 10)) % 97;
  return remainder == 1;
}

struct Kind {
  const char* pattern;
  bool (*is_real)(std::string_view);
};

Kind kind_of(Personal kind) {
  switch (kind) {
    case Personal::email:
      return {R"([A-Za-z0-9._%+-]+@[A-Za-z0-9](?:[A-Za-z0-9-]*\.)+[A-Za-z]{2,24}\b)", nullptr};
    case Personal::phone: return {R"((?:\+|\(|\b)\(?[0-9][0-9 ()./-]{5,22}[0-9]\b)", is_phone};
    case Personal::card: return {R"(\b[0-9](?:[ -]?[0-9]){12,18}\b)", is_card};
    case Personal::iban: return {R"(\b[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]){11,30}\b)", is_iban};
    case Personal::ip: return {R"(\b(?:[0-9]{1,3}\.){3}[0-9]{1,3}\b)", is_ip};
    case Personal::ssn: return {R"(\b[0-9]{3}-[0-9]{2}-[0-9]{4}\b)", nullptr};
  }
  return {".", nullptr};
}

Detector make(Personal kind) {
  const Kind known = kind_of(kind);
  auto pattern = Pattern::compile(known.pattern);
  SLIPWAY_ASSERT(pattern.ok());
  Detector detector{*std::move(pattern), {}, fmt::format("[{}]", json::name(kind))};
  if (known.is_real != nullptr) detector.is_real = known.is_real;
  return detector;
}

}  // namespace

const Detector& detector_of(Personal kind) {
  static const std::array<Detector, 6> detectors = {make(Personal::email), make(Personal::phone),
                                                    make(Personal::card),  make(Personal::iban),
                                                    make(Personal::ip),    make(Personal::ssn)};
  return detectors[static_cast<std::size_t>(kind)];
}

Result<Detector> detector_of(std::string_view pattern) {
  return Detector{TRY(Pattern::compile(pattern)), {}, "[masked]"};
}

std::string mask(const Detector& detector, std::string_view text, std::size_t& found) {
  StreamMask stream(detector);
  std::string out = stream.feed(text);
  out += stream.finish();
  found += stream.found();
  return out;
}

std::string mask_secrets(std::string text, const std::vector<std::string>& secrets) {
  constexpr std::size_t length_min = 4;
  for (const std::string& secret : secrets) {
    if (secret.size() < length_min) continue;
    for (std::size_t at = 0; (at = text.find(secret, at)) != std::string::npos; at += 3)
      text.replace(at, secret.size(), "***");
  }
  return text;
}

std::string StreamMask::feed(std::string_view piece) {
  held_ += piece;
  return advance(true);
}

std::string StreamMask::finish() {
  std::string out = advance(false);
  out += held_;
  held_.clear();
  return out;
}

std::string StreamMask::advance(bool may_go_on) {
  std::string out;
  std::size_t done = 0;
  const auto release = [&](std::size_t end) {
    if (end == done) return;
    out.append(held_, done, end - done);
    before_ = held_[end - 1];
    done = end;
  };
  while (done < held_.size()) {
    const std::string_view rest = std::string_view(held_).substr(done);
    const auto found = detector_->pattern.find(rest, may_go_on, before_);
    if (!found.match) {
      // What is held too long cannot be waited for.
      const bool is_too_long = rest.size() - found.safe > held_bytes_max;
      release(is_too_long ? held_.size() : done + found.safe);
      break;
    }
    const std::string_view match =
        rest.substr(found.match->begin, found.match->end - found.match->begin);
    if (detector_->is_real && !detector_->is_real(match)) {
      release(done + found.match->begin + 1);  // A real one may begin within.
      continue;
    }
    const std::size_t end = done + found.match->end;
    release(done + found.match->begin);
    out += detector_->replacement;
    before_ = held_[end - 1];
    done = end;
    ++found_;
  }
  held_.erase(0, done);
  return out;
}

}  // namespace slipway
