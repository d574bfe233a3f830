// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tls_certificate.hpp"

#include <memory>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

namespace live {
namespace {

using onair::ErrorPtr;
using onair::GMemory;
using onair::GstPtr;

struct Free {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
template <typename T>
using Ssl = std::unique_ptr<T, Free>;

// Empty, or why it can't be read.
std::string read(const std::string& path, std::string& text) {
  gchar* raw = nullptr;
  gsize size = 0;
  GError* raw_error = nullptr;
  if (!g_file_get_contents(path.c_str(), &raw, &size, &raw_error)) {
    const ErrorPtr error{raw_error};
    return std::string{error->message} + ".";
  }
  const GMemory<char> content{raw};
  text.assign(content.get(), size);
  return {};
}

Ssl<BIO> bio_of(const std::string& text) {
  return Ssl<BIO>{BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))};
}

// Nobody is there to type one.
int no_passphrase(char*, int, int, void*) {
  return 0;
}

}  // namespace

std::variant<GstPtr<GTlsCertificate>, std::string> load_tls_certificate(
    const std::string& certificate, const std::string& key) {
  std::string text;
  std::string key_text;
  if (const auto why = read(certificate, text); !why.empty())
    return "tls-certificate can't be read: " + why;
  const bool is_one_file = key.empty();
  if (is_one_file)
    key_text = text;
  else if (const auto why = read(key, key_text); !why.empty())
    return "tls-key can't be read: " + why;
  const auto key_file =
      is_one_file ? "tls-certificate '" + certificate + "'" : "tls-key '" + key + "'";
  const Ssl<X509> first{PEM_read_bio_X509(bio_of(text).get(), nullptr, no_passphrase, nullptr)};
  const Ssl<EVP_PKEY> secret{
      PEM_read_bio_PrivateKey(bio_of(key_text).get(), nullptr, no_passphrase, nullptr)};
  // GLib would find that out with the first viewer.
  const bool fits = first && secret && X509_check_private_key(first.get(), secret.get()) == 1;
  ERR_clear_error();
  if (!first)
    return "tls-certificate '" + certificate + "' has no certificate in PEM form.";
  if (!secret)
    return key_file + " has no private key in PEM form that can be read without a passphrase.";
  if (!fits)
    return key_file + " is not the key of the certificate in '" + certificate +
           "', which must be the first one there.";
  if (!is_one_file)
    text += "\n" + key_text;
  GError* raw = nullptr;
  auto loaded = GstPtr<GTlsCertificate>::adopt(
      g_tls_certificate_new_from_pem(text.data(), static_cast<gssize>(text.size()), &raw));
  const ErrorPtr error{raw};
  if (!loaded)
    return "tls-certificate '" + certificate + "' can't be used: " + error->message + ".";
  return loaded;
}

}  // namespace live
