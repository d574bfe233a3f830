// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtcingest/certificate.hpp"

#include <gtest/gtest.h>

namespace onair {
namespace {

// openssl req -new -x509 -subj /CN=publisher, on P-256; the digests are those that
// `openssl x509 -fingerprint` shows.
constexpr std::string_view kPem = R"(-----BEGIN CERTIFICATE-----
MIIBazCCARCgAwIBAgIBATAKBggqhkjOPQQDAjAUMRIwEAYDVQQDDAlwdWJsaXNo
ZXIwHhcNMjYxMTIxMDMwNTAyWhcNMzYxMTE4MDMwNTAyWjAUMRIwEAYDVQQDDAlw
dWJsaXNoZXIwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAARfKo+eBhj+A10Db7Y3
LHfRfzyr9MmU0iiS/jF/FsJcr3K7pGO+DMOO4k/ttfNUjvFplq4kAYCTz8581GMu
BupRo1MwUTAdBgNVHQ4EFgQU7P+k92oJbI8cZQ6bmQugcY1onTgwHwYDVR0jBBgw
FoAU7P+k92oJbI8cZQ6bmQugcY1onTgwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjO
PQQDAgNJADBGAiEA1fjcqEkzF1MBn+wGSdtbcWd7Jk6LTAx8dJY53K2/eegCIQCh
36Yt4MNBdtDCm+vLezUXxvAcLgP/z5pDRVgsmshNXg==
-----END CERTIFICATE-----
)";
constexpr std::string_view kSha256 =
    "C8:A0:4E:4E:0B:3D:5F:51:6A:68:11:4A:9A:9A:16:9E:6D:E0:26:BA:7D:2A:04:D8:4E:4A:0D:E1:03:DC:85:"
    "B0";

TEST(Certificate, ItsDigestIsWhatOpensslShows) {
  EXPECT_EQ(digest_of_pem(kPem, "sha-1"),
            "31:15:A4:0B:81:43:C1:9D:41:76:52:BB:9E:9D:8A:B8:E4:A1:4F:C9");
  EXPECT_EQ(digest_of_pem(kPem, "sha-256"), kSha256);
  EXPECT_EQ(
      digest_of_pem(kPem, "sha-384"),
      "14:98:B6:27:1F:73:9D:87:77:EC:60:92:CD:C3:82:E3:CD:88:41:E8:16:7E:7F:90:26:82:30:19:5F:"
      "1D:E2:CC:02:F1:3F:76:6F:70:E6:B5:A8:17:46:4D:29:B9:4E:FB");
  EXPECT_EQ(
      digest_of_pem(kPem, "sha-512"),
      "43:DE:5C:C3:B8:7C:84:3C:70:CD:F2:B3:8C:1F:AC:1F:3D:8B:A4:D6:7E:14:A3:1D:37:66:C6:CD:FF:"
      "D8:28:2C:9C:A7:89:01:BA:E5:23:95:2B:C9:D9:35:11:AA:0D:0A:FD:6F:4A:84:22:18:3B:5F:2E:91:"
      "95:92:56:89:2D:FE");
}

TEST(Certificate, AnotherHashHasNoDigest) {
  for (const auto* hash : {"", "md5", "sha-224", "sha256", "SHA-256"})
    EXPECT_EQ(digest_of_pem(kPem, hash), std::nullopt) << hash;
}

TEST(Certificate, TextAroundItDoesNotMatter) {
  const std::string text{kPem};
  EXPECT_EQ(digest_of_pem("subject=CN = publisher\n" + text + "more\n", "sha-256"), kSha256);
}

TEST(Certificate, TheFirstOfAChainCounts) {
  const std::string other = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  EXPECT_EQ(digest_of_pem(std::string{kPem} + other, "sha-256"), kSha256);
  EXPECT_NE(digest_of_pem(other + std::string{kPem}, "sha-256"), kSha256);
}

TEST(Certificate, AChangedBitChangesTheDigest) {
  std::string changed{kPem};
  changed[40] = changed[40] == 'A' ? 'B' : 'A';
  EXPECT_NE(digest_of_pem(changed, "sha-256"), kSha256);
}

TEST(Certificate, WhatIsNoCertificateHasNoDigest) {
  for (const auto* text : {"", "nonsense", "-----BEGIN CERTIFICATE-----\nMIIB",
                           "-----END CERTIFICATE-----\n-----BEGIN CERTIFICATE-----",
                           "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----",
                           "-----BEGIN CERTIFICATE----------END CERTIFICATE-----",
                           "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"})
    EXPECT_EQ(digest_of_pem(text, "sha-256"), std::nullopt) << text;
}

}  // namespace
}  // namespace onair
