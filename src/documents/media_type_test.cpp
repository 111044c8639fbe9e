#include <doctest/doctest.h>

#include "documents/documents.hpp"

namespace slipway::documents {

namespace {

using namespace std::string_view_literals;

std::string detected(std::string_view path, std::string_view bytes) {
  auto type = detect_media_type(path, bytes);
  if (type) return *type;
  CHECK(type.error().code() == Code::unsupported);
  return "refused: " + type.error().message();
}

}  // namespace

TEST_CASE("the ending decides between formats that are all text") {
  CHECK(detected("a.md", "# Title") == "text/markdown");
  CHECK(detected("dir.x/A.MARKDOWN", "text") == "text/markdown");
  CHECK(detected("a.txt", "text") == "text/plain");
  CHECK(detected("a.py", "print(1)") == "text/x-python");
  CHECK(detected("a.rst", "Title\n=====") == "text/x-rst");
  CHECK(detected("README", "text") == "text/plain");
  CHECK(detected(".hidden", "text") == "text/plain");
  CHECK(detected("a.html", "no tags at all") == "text/html");
  CHECK(detected("a.xhtml", "<?xml version='1.0'?><html xmlns='x'>") == "text/html");
  CHECK(detected("a.md", "") == "text/markdown");
}

TEST_CASE("the content wins over the ending") {
  CHECK(detected("a.txt", "<!DOCTYPE html><p>x") == "text/html");
  CHECK(detected("a", " \n<!-- c -->\n<HTML lang=en>") == "text/html");
  CHECK(detected("a", "\xEF\xBB\xBF<?xml version='1.0'?>\n<!doctype HTML>") == "text/html");
  CHECK(detected("a", "\xFF\xFE<\0h\0t\0m\0l\0>\0"sv) == "text/html");
  CHECK(detected("a.txt", "<htmlx> is no tag") == "text/plain");
  CHECK(detected("a.md", "%PDF-1.7\n") == "application/pdf");
  CHECK(detected("a.pdf", "junk before\n%PDF-1.4\n") == "application/pdf");
  CHECK(detected("a", std::string("\0\0junk%PDF-1.4", 14)) == "application/pdf");
  CHECK(detected("a.md", "A PDF begins with %PDF-1.7.") == "text/markdown");
}

TEST_CASE("what cannot be read is named") {
  CHECK(detected("a.md", std::string("binary\0data", 11)) == "refused: binary data named .md");
  CHECK(detected("a", std::string("binary\0data", 11)) ==
        "refused: binary data in a file without an ending");
  CHECK(detected("a.txt", "\x01\x02\x03\x04\x05\x06 text") == "refused: binary data named .txt");
  CHECK(detected("a.md", "\x89PNG\r\n\x1A\n").find("image/png") != std::string::npos);
  CHECK(detected("a.jpg", "\xFF\xD8\xFF\xE0").find("image/jpeg") != std::string::npos);
  CHECK(detected("a", "\x1F\x8B\x08").find("gzip") != std::string::npos);
  CHECK(detected("a",
                 "\x7F"
                 "ELF\x02")
            .find("ELF") != std::string::npos);
  CHECK(detected("a.db", "SQLite format 3\0"sv).find("sqlite") != std::string::npos);
  CHECK(detected("a.zip", "PK\x03\x04....a.txt").find("application/zip") != std::string::npos);
  CHECK(detected("a.doc", "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1").find("save it as .docx") !=
        std::string::npos);
  CHECK(detected("a.pdf", "no header").find("no PDF header") != std::string::npos);
}

TEST_CASE("source code is known by its ending, its name or its first line") {
  CHECK(detected("a.CPP", "int x;") == "text/x-c++");
  CHECK(detected("dir/Makefile", "all:") == "text/x-makefile");
  CHECK(detected("tool", "#!/usr/bin/env -S python3.11 -u\nprint()") == "text/x-python");
  CHECK(detected("tool", "#!/bin/sh\necho") == "text/x-shellscript");
  CHECK(detected("tool", "#!/opt/unknown/thing\n") == "text/plain");
  CHECK(detected("a.csv", "a,b") == "text/csv");
  CHECK(detected("a.jsonl", "{}") == "application/x-ndjson");
  CHECK(detected("a.eml", "Subject: x") == "message/rfc822");
  CHECK(detected("archive.mbox", "From a@b Mon Jan 5 10:00:00 2024\n") == "application/mbox");
}

TEST_CASE("a ZIP container is what it holds, also when it is damaged") {
  CHECK(detected("a", "PK\x03\x04....[Content_Types].xml....word/document.xml") ==
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document");
  CHECK(detected("a", "PK\x03\x04..........mimetypeapplication/epub+zipPK") ==
        "application/epub+zip");
}

TEST_CASE("escape sequences of a terminal do not make a log binary") {
  CHECK(detected("a.log", "\x1B[31mred\x1B[0m line\n") == "text/plain");
}

}  // namespace slipway::documents
