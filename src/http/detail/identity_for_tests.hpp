// Keys and certificates made on the spot, for tests.
#pragma once

#include <doctest/doctest.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <filesystem>
#include <memory>
#include <string>

#include "core/files.hpp"

namespace slipway::http {

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

/// A key with a certificate, signed by itself or by another.
struct Identity {
  Key key{nullptr, &EVP_PKEY_free};
  Certificate certificate{nullptr, &X509_free};
};

/// `names` are those of a server: "DNS:localhost,IP:127.0.0.1"; empty: it has none.
inline Identity make_identity(const std::string& name, const Identity* issuer = nullptr,
                              const std::string& names = {}) {
  Identity made;
  made.key.reset(EVP_EC_gen("P-256"));
  made.certificate.reset(X509_new());
  X509* const x509 = made.certificate.get();
  X509_set_version(x509, 2);
  static long serial = 1;
  ASN1_INTEGER_set(X509_get_serialNumber(x509), serial++);
  X509_gmtime_adj(X509_getm_notBefore(x509), -60);
  X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
  X509_set_pubkey(x509, made.key.get());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509_set_issuer_name(x509, X509_get_subject_name(issuer ? issuer->certificate.get() : x509));
  if (issuer == nullptr) {
    X509_EXTENSION* const is_ca =
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_basic_constraints, "critical,CA:TRUE");
    X509_add_ext(x509, is_ca, -1);
    X509_EXTENSION_free(is_ca);
  }
  if (!names.empty()) {
    X509_EXTENSION* const said =
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, names.c_str());
    X509_add_ext(x509, said, -1);
    X509_EXTENSION_free(said);
  }
  REQUIRE(X509_sign(x509, issuer ? issuer->key.get() : made.key.get(), EVP_sha256()) > 0);
  return made;
}

inline void write_pem(const Identity& identity, const std::filesystem::path& base) {
  const auto write = [](const std::filesystem::path& path, auto put) {
    const std::unique_ptr<BIO, decltype(&BIO_free)> memory(BIO_new(BIO_s_mem()), &BIO_free);
    put(memory.get());
    char* text = nullptr;
    const long size = BIO_get_mem_data(memory.get(), &text);
    REQUIRE(write_file_atomically(path, std::string_view(text, static_cast<std::size_t>(size))));
  };
  write(base.string() + ".crt",
        [&](BIO* bio) { PEM_write_bio_X509(bio, identity.certificate.get()); });
  write(base.string() + ".key", [&](BIO* bio) {
    PEM_write_bio_PrivateKey(bio, identity.key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
}

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "slipway-tls-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

}  // namespace slipway::http
