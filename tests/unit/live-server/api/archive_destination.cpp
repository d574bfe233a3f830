// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/archive_destination.hpp"

#include <gtest/gtest.h>

namespace live::test {
namespace {

const Json kBucket{{"bucket_uri", "s3://talks/2026/autumn/"},
                   {"endpoint_url", "https://s3.isk01.example.com:8443/"},
                   {"aws_region", "jp-north-1"},
                   {"aws_access_key_id", "AKIA1"},
                   {"aws_secret_access_key", "wJalr/K7M+DENG="}};

Json with(const char* field, const Json& value) {
  auto body = kBucket;
  body[field] = value;
  return body;
}

ArchiveDestination read(const Json& body) {
  auto read = read_archive_destination(body.dump());
  if (const auto* error = std::get_if<FieldError>(&read)) {
    ADD_FAILURE() << error->sentence;
    return {};
  }
  return std::get<ArchiveDestination>(std::move(read));
}

FieldError error_of(const Json& body) {
  auto read = read_archive_destination(body.dump());
  auto* error = std::get_if<FieldError>(&read);
  return error ? std::move(*error) : FieldError{};
}

TEST(ArchiveDestination, ABucketIsReadWithItsPrefix) {
  const auto bucket = read(kBucket);
  EXPECT_FALSE(bucket.is_directory());
  EXPECT_EQ(bucket.bucket(), "talks");
  EXPECT_EQ(bucket.prefix(), "2026/autumn");
  EXPECT_EQ(bucket.endpoint_url, "https://s3.isk01.example.com:8443");
  EXPECT_EQ(read(with("bucket_uri", "s3://talks")).prefix(), "");
  EXPECT_EQ(read(with("bucket_uri", "s3://talks/")).bucket(), "talks");
  EXPECT_EQ(read(with("bucket_uri", "s3://talks/")).prefix(), "");
}

TEST(ArchiveDestination, WithoutAnEndpointItIsAmazons) {
  auto body = kBucket;
  body.erase("endpoint_url");
  EXPECT_EQ(read(body).endpoint_url, "https://s3.jp-north-1.amazonaws.com");
  body.erase("aws_region");
  EXPECT_EQ(read(body).endpoint_url, "https://s3.us-east-1.amazonaws.com");
}

TEST(ArchiveDestination, ADirectoryNeedsNoKeys) {
  const auto directory = read({{"bucket_uri", "file:///srv/archive/"}});
  EXPECT_TRUE(directory.is_directory());
  EXPECT_EQ(directory.directory(), "/srv/archive");
  EXPECT_EQ(directory.bucket(), "");
  EXPECT_EQ(directory.prefix(), "");
  EXPECT_EQ(read({{"bucket_uri", "file:///srv/archive"}, {"aws_region", ""}}), directory);
  EXPECT_EQ(error_of({{"bucket_uri", "file:///srv"}, {"aws_region", "x"}}).sentence,
            "aws_region is \"x\", but must be left out: it is not for directories.");
  EXPECT_EQ(error_of({{"bucket_uri", "file:///srv"}, {"aws_secret_access_key", "x"}}).sentence,
            "aws_secret_access_key is given, but must be left out: it is not for directories.");
}

TEST(ArchiveDestination, NamesThatCanBeReadInTwoWaysAreRefused) {
  const std::string right(512 - 5 - 6, 'x');
  EXPECT_FALSE(error_of(with("bucket_uri", "s3://talks/" + right)));
  for (const auto& wrong : {std::string{"s3://talks/x" + right},
                            std::string{""},
                            std::string{"talks"},
                            std::string{"gs://talks"},
                            std::string{"s3://"},
                            std::string{"s3://ab"},
                            std::string{"s3://Talks"},
                            std::string{"s3://talks-"},
                            std::string{"s3://.talks"},
                            "s3://" + std::string(64, 'a'),
                            std::string{"s3://talks//x"},
                            std::string{"s3://talks/../x"},
                            std::string{"s3://talks/./x"},
                            std::string{"s3://talks/a b"},
                            std::string{"s3://talks/a%2f"},
                            std::string{"file://srv"},
                            std::string{"file:///"},
                            std::string{"file:////"},
                            std::string{"file:///srv/.."},
                            std::string{"file:///srv//x"},
                            std::string{"file:///srv/\n"}})
    EXPECT_EQ(error_of(with("bucket_uri", wrong)).field, "bucket_uri") << wrong;
}

TEST(ArchiveDestination, WhatIsMissingOrWrongIsNamed) {
  for (const char* field : {"bucket_uri", "aws_access_key_id", "aws_secret_access_key"}) {
    auto body = kBucket;
    body.erase(field);
    EXPECT_EQ(error_of(body).field, field);
    EXPECT_EQ(error_of(with(field, 5)).field, field);
    EXPECT_EQ(error_of(with(field, "")).field, field);
  }
  EXPECT_EQ(error_of(with("endpoint_url", "s3.example.com")).field, "endpoint_url");
  EXPECT_EQ(error_of(with("endpoint_url", "https://s3.example.com/?a")).field, "endpoint_url");
  EXPECT_EQ(error_of(with("aws_region", "EU")).field, "aws_region");
  EXPECT_EQ(error_of(with("gcp_credential_json", "{}")).field, "gcp_credential_json");
  EXPECT_FALSE(error_of(with("gcp_credential_json", "")));
  EXPECT_EQ(error_of(with("acl", "public")).field, "acl");
}

TEST(ArchiveDestination, ItsSecretIsInItsStateFileOnly) {
  auto made = read(kBucket);
  made.id = "d1";
  made.created = std::chrono::sys_days{std::chrono::year{2026} / 11 / 22};
  EXPECT_EQ(to_json(made).dump().find("wJalr"), std::string::npos);
  const auto again = read_archive_destination_file(to_text(made));
  ASSERT_TRUE(std::holds_alternative<ArchiveDestination>(again));
  EXPECT_EQ(std::get<ArchiveDestination>(again), made);
  EXPECT_EQ(error_of(with("aws_secret_access_key", "a b")).sentence.find("a b"), std::string::npos);
  for (const char* broken : {"", "{", "[]", R"({"id":"a","created":0,"request":{}})"})
    EXPECT_TRUE(std::holds_alternative<std::string>(read_archive_destination_file(broken)));
}

TEST(ArchiveDestination, ADirectorysStateFileIsReadAgain) {
  auto made = read({{"bucket_uri", "file:///srv/archive"}});
  made.id = "d2";
  const auto again = read_archive_destination_file(to_text(made));
  ASSERT_TRUE(std::holds_alternative<ArchiveDestination>(again));
  EXPECT_EQ(std::get<ArchiveDestination>(again), made);
}

}  // namespace
}  // namespace live::test
