// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/archive_destination.hpp"

#include <algorithm>

#include "api/ascii.hpp"
#include "api/channels.hpp"
#include "api/http_url.hpp"

namespace live {
namespace {

constexpr std::string_view kBucketScheme = "s3://";
constexpr std::string_view kFileScheme = "file://";
constexpr const char* kDefaultRegion = "us-east-1";
constexpr std::size_t kLongestUri = 512;

// What neither a file system nor a URL reads in two ways.
bool is_name(std::string_view text) {
  return !text.empty() && text != "." && text != ".." &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return is_alphanumeric(c) || c == '-' || c == '_' || c == '.'; });
}

// /NAME/NAME, maybe with a slash behind it.
bool is_path(std::string_view text) {
  if (text.ends_with('/'))
    text.remove_suffix(1);
  while (!text.empty()) {
    if (text.front() != '/')
      return false;
    text.remove_prefix(1);
    const auto name = text.substr(0, text.find('/'));
    if (!is_name(name))
      return false;
    text.remove_prefix(name.size());
  }
  return true;
}

bool is_bucket(std::string_view text) {
  constexpr std::size_t kShortest = 3;
  constexpr std::size_t kLongest = 63;
  const auto is_edge = [](char c) { return is_digit(c) || (c >= 'a' && c <= 'z'); };
  return text.size() >= kShortest && text.size() <= kLongest && is_edge(text.front()) &&
         is_edge(text.back()) && std::all_of(text.begin(), text.end(), [&](char c) {
           return is_edge(c) || c == '-' || c == '.';
         });
}

bool is_bucket_uri(std::string_view text) {
  if (text.size() > kLongestUri)
    return false;
  if (text.starts_with(kFileScheme)) {
    text.remove_prefix(kFileScheme.size());
    return text.size() > 1 && is_path(text);
  }
  if (!text.starts_with(kBucketScheme))
    return false;
  text.remove_prefix(kBucketScheme.size());
  const auto bucket = text.substr(0, text.find('/'));
  return is_bucket(bucket) && is_path(text.substr(bucket.size()));
}

bool is_region(std::string_view text) {
  constexpr std::size_t kLongest = 64;
  return !text.empty() && text.size() <= kLongest &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || c == '-'; });
}

bool is_key_id(std::string_view text) {
  constexpr std::size_t kLongest = 128;
  return !text.empty() && text.size() <= kLongest &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return is_alphanumeric(c) || c == '-' || c == '_' || c == '.'; });
}

bool is_secret(std::string_view text) {
  constexpr std::size_t kLongest = 256;
  return !text.empty() && text.size() <= kLongest &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

bool is_endpoint(std::string_view text) {
  return is_http_url(text) && text.find_first_of("?#") == std::string_view::npos;
}

constexpr TextRule kUri{is_bucket_uri,
                        "s3://BUCKET/PREFIX or file:///DIRECTORY of at most 512 characters, whose "
                        "names have letters, digits, '-', '_' and '.' only"};
constexpr TextRule kRegion{is_region, "1 to 64 small letters, digits and '-'"};
constexpr TextRule kKeyId{is_key_id, "1 to 128 letters, digits, '-', '_' and '.'"};
constexpr TextRule kEndpoint{
    is_endpoint,
    "an absolute http or https URL of at most 2048 characters, without user name, password, query "
    "and fragment"};

constexpr const char* kSecret = "aws_secret_access_key";
constexpr const char* kSecretRule = "1 to 256 characters of ASCII, without space";

// Errors quote what was given, but not this.
void read_secret(JsonFields& fields, FieldError& error, std::string& to) {
  fields.miss(kSecret, kSecretRule);
  const auto* value = fields.find(kSecret);
  const auto* text = value ? value->get_ptr<const std::string*>() : nullptr;
  if (text && is_secret(*text))
    to = *text;
  else if (value && !error)
    error = {kSecret,
             std::string{kSecret} + " is something else, but must be " + kSecretRule + "."};
}

bool is_empty_text(const Json& value) {
  return value == "";
}

std::string without_slash(std::string text) {
  while (text.ends_with('/'))
    text.pop_back();
  return text;
}

}  // namespace

std::string ArchiveDestination::directory() const {
  return is_directory() ? bucket_uri.substr(kFileScheme.size()) : std::string{};
}

std::string ArchiveDestination::bucket() const {
  const auto name = bucket_uri.substr(std::min(kBucketScheme.size(), bucket_uri.size()));
  return is_directory() ? std::string{} : name.substr(0, name.find('/'));
}

std::string ArchiveDestination::prefix() const {
  const auto at = kBucketScheme.size() + bucket().size() + 1;
  return is_directory() || at >= bucket_uri.size() ? std::string{} : bucket_uri.substr(at);
}

std::variant<ArchiveDestination, FieldError> read_archive_destination(std::string_view body) {
  const auto json = parse_json(body, "The body");
  if (const auto* why = std::get_if<std::string>(&json))
    return FieldError{{}, *why};
  ArchiveDestination destination;
  FieldError error;
  JsonFields fields{std::get<Json>(json), "", error};
  fields.require("bucket_uri", kUri, destination.bucket_uri);
  destination.bucket_uri = without_slash(std::move(destination.bucket_uri));
  if (destination.is_directory()) {
    for (const char* name : {"endpoint_url", "aws_region", "aws_access_key_id"})
      fields.pass_over(name, is_empty_text, "left out: it is not for directories");
    if (const auto* secret = fields.find(kSecret); secret && *secret != "" && !error)
      error = {kSecret, std::string{kSecret} +
                            " is given, but must be left out: it is not for directories."};
  } else {
    fields.read("endpoint_url", kEndpoint, destination.endpoint_url);
    destination.aws_region = kDefaultRegion;
    fields.read("aws_region", kRegion, destination.aws_region);
    fields.require("aws_access_key_id", kKeyId, destination.aws_access_key_id);
    read_secret(fields, error, destination.aws_secret_access_key);
  }
  // ImageFlux's clients may send it.
  fields.pass_over("gcp_credential_json", is_empty_text,
                   "left out: this server does not know Google's storage");
  fields.end();
  if (error)
    return error;
  if (!destination.is_directory() && destination.endpoint_url.empty())
    destination.endpoint_url = "https://s3." + destination.aws_region + ".amazonaws.com";
  destination.endpoint_url = without_slash(std::move(destination.endpoint_url));
  return destination;
}

Json to_json(const ArchiveDestination& destination) {
  Json json{{"id", destination.id},
            {"created", date_time(destination.created)},
            {"bucket_uri", destination.bucket_uri}};
  if (destination.is_directory())
    return json;
  json["endpoint_url"] = destination.endpoint_url;
  json["aws_region"] = destination.aws_region;
  json["aws_access_key_id"] = destination.aws_access_key_id;
  return json;
}

std::string to_text(const ArchiveDestination& destination) {
  const auto created =
      std::chrono::duration_cast<std::chrono::seconds>(destination.created.time_since_epoch());
  Json request{{"bucket_uri", destination.bucket_uri}};
  if (!destination.is_directory())
    request.update({{"endpoint_url", destination.endpoint_url},
                    {"aws_region", destination.aws_region},
                    {"aws_access_key_id", destination.aws_access_key_id},
                    {"aws_secret_access_key", destination.aws_secret_access_key}});
  const Json json{{"id", destination.id}, {"created", created.count()}, {"request", request}};
  return json.dump(2) + "\n";
}

std::variant<ArchiveDestination, std::string> read_archive_destination_file(std::string_view text) {
  const auto json = Json::parse(text, nullptr, false);
  try {
    auto read = read_archive_destination(json.at("request").dump());
    if (const auto* error = std::get_if<FieldError>(&read))
      return error->sentence;
    auto& destination = std::get<ArchiveDestination>(read);
    destination.id = json.at("id").get<std::string>();
    destination.created = std::chrono::system_clock::time_point{
        std::chrono::seconds{json.at("created").get<std::int64_t>()}};
    if (!is_channel_id(destination.id))
      return "there is no id";
    return std::move(destination);
  } catch (const Json::exception& error) {
    return std::string{error.what()};
  }
}

}  // namespace live
