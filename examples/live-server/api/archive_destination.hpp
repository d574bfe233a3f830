// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <variant>

#include "json_fields.hpp"

namespace live {

// Where archives of channels are copied to: a bucket of S3 or of what speaks its protocol, or a directory.
struct ArchiveDestination {
  std::string id;
  std::chrono::system_clock::time_point created;
  std::string bucket_uri;  // s3://BUCKET/PREFIX or file:///DIRECTORY, no slash behind it
  // Of a bucket only.
  std::string endpoint_url;
  std::string aws_region;
  std::string aws_access_key_id;
  std::string aws_secret_access_key;  // nobody is told

  [[nodiscard]] bool is_directory() const { return bucket_uri.starts_with("file:"); }
  [[nodiscard]] std::string directory() const;
  [[nodiscard]] std::string bucket() const;
  [[nodiscard]] std::string prefix() const;  // of keys, no slash around it; may be empty

  friend bool operator==(const ArchiveDestination&, const ArchiveDestination&) = default;
};

// From the body of a request, without id and date. Never throws.
std::variant<ArchiveDestination, FieldError> read_archive_destination(std::string_view body);
// For clients: without the secret.
Json to_json(const ArchiveDestination& destination);

// Its state file, with the secret.
std::string to_text(const ArchiveDestination& destination);
// An error is a sentence for the log.
std::variant<ArchiveDestination, std::string> read_archive_destination_file(std::string_view text);

}  // namespace live
