// The structure of an e-mail (RFC 5322, 2045 to 2047, 2231), with the bytes of everything.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "documents/documents.hpp"

namespace slipway::documents::detail {

struct MimeHeader {
  std::string name;  ///< Lower case.
  Span value;        ///< Without the white space around it; may be folded.
};

struct MimePart {
  std::vector<MimeHeader> headers;
  std::string type = "text/plain";  ///< Lower case.
  std::string charset;
  std::string encoding;  ///< Of the transfer, lower case.
  std::string name;      ///< Of the file, decoded.
  bool is_attachment = false;
  bool is_cut = false;  ///< The closing boundary is missing.
  Span body;
  std::vector<MimePart> children;  ///< Of multipart/* and message/rfc822.

  /// The first header of a name; null when there is none.
  const MimeHeader* find(std::string_view name) const;
};

/// `range` of `bytes` as a message. Fails: invalid_argument (nested too deep, too many parts).
Result<MimePart> parse_mime(std::string_view bytes, Span range);

/// Text and the places of its characters in the whole source.
struct PlacedText {
  std::string text;
  std::vector<SourceMap::Piece> pieces;
};

/// A header's value: unfolded, encoded words decoded.
PlacedText decode_mime_header(std::string_view bytes, Span value);

/// The body as it was before quoted-printable or base64 (not yet as UTF-8). `is_in_mailbox`: lines
/// that begin with ">From " lose that mark.
PlacedText decode_mime_body(std::string_view bytes, const MimePart& part, bool is_in_mailbox);

/// Pieces that begin within a code point join the one before.
void align_to_code_points(std::string_view text, std::vector<SourceMap::Piece>& pieces);

/// "Tue, 5 Mar 2024 10:00:00 +0100" as RFC 3339 in UTC; empty when it is none.
std::string parse_mail_date(std::string_view text);

}  // namespace slipway::documents::detail
