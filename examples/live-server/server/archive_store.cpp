// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/archive_store.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include <curl/curl.h>
#include <fcntl.h>
#include <glib.h>
#include <unistd.h>

#include "server/archive_plan.hpp"

namespace live {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPiece = 1 << 20;

struct FileClose {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using FilePtr = std::unique_ptr<std::FILE, FileClose>;

std::string error_text(const std::string& what) {
  return what + ": " + std::strerror(errno) + ".";
}

class DirectoryStore final : public ArchiveStore {
 public:
  DirectoryStore(fs::path folder, const std::atomic<bool>& stops)
      : folder_{std::move(folder)}, stops_{stops} {}

  std::string put(const std::string& name, const fs::path& file) override {
    const auto path = folder_ / name;
    const auto unfinished = folder_ / ("." + name + ".part");
    auto why = copy(file, unfinished);
    if (why.empty() && std::rename(unfinished.c_str(), path.c_str()) != 0)
      why = error_text(path.string() + " can't be made");
    if (!why.empty())
      ::unlink(unfinished.c_str());
    return why;
  }

 private:
  std::string copy(const fs::path& from, const fs::path& to) {
    const FilePtr in{std::fopen(from.c_str(), "rbe")};
    if (!in)
      return error_text(from.string() + " can't be read");
    const FilePtr out{std::fopen(to.c_str(), "wbe")};
    if (!out)
      return error_text(to.string() + " can't be written");
    piece_.resize(kPiece);
    while (const auto size = std::fread(piece_.data(), 1, piece_.size(), in.get())) {
      if (stops_)
        return "It was interrupted.";
      if (std::fwrite(piece_.data(), 1, size, out.get()) != size)
        return error_text(to.string() + " can't be written");
    }
    if (std::ferror(in.get()))
      return error_text(from.string() + " can't be read");
    if (std::fflush(out.get()) != 0 || ::fsync(::fileno(out.get())) != 0)
      return error_text(to.string() + " can't be written");
    return {};
  }

  const fs::path folder_;
  const std::atomic<bool>& stops_;
  std::string piece_;
};

// PUT of an object (S3's REST API), signed by libcurl (Signature Version 4).
class S3Store final : public ArchiveStore {
 public:
  S3Store(ArchiveDestination destination, const std::string& name, const std::atomic<bool>& stops)
      : destination_{std::move(destination)},
        root_{destination_.endpoint_url + "/" + destination_.bucket() +
              (destination_.prefix().empty() ? "" : "/" + destination_.prefix()) + "/" + name +
              "/"},
        stops_{stops},
        curl_{curl_easy_init()} {}

  std::string put(const std::string& name, const fs::path& file) override {
    const auto url = root_ + name;
    const FilePtr in{std::fopen(file.c_str(), "rbe")};
    if (!in)
      return error_text(file.string() + " can't be read");
    curl_off_t size = 0;
    const auto hash = hash_of(in.get(), size);
    if (std::ferror(in.get()) || std::fseek(in.get(), 0, SEEK_SET) != 0)
      return error_text(file.string() + " can't be read");

    auto* curl = curl_.get();
    curl_easy_reset(curl);  // connections stay
    const auto signature = "aws:amz:" + destination_.aws_region + ":s3";
    const std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> headers{
        curl_slist_append(
            curl_slist_append(nullptr,
                              (std::string{"Content-Type: "} + media_type_of(name)).c_str()),
            ("x-amz-content-sha256: " + hash).c_str()),
        &curl_slist_free_all};
    std::array<char, CURL_ERROR_SIZE> error{};
    std::string answer;
    curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_AWS_SIGV4, signature.c_str());
    curl_easy_setopt(curl, CURLOPT_USERNAME, destination_.aws_access_key_id.c_str());
    curl_easy_setopt(curl, CURLOPT_PASSWORD, destination_.aws_secret_access_key.c_str());
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "gst-onair");
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
    curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, &S3Store::on_read);
    curl_easy_setopt(curl, CURLOPT_READDATA, in.get());
    // Of a request that has to be sent again on another connection.
    curl_easy_setopt(curl, CURLOPT_SEEKFUNCTION, &S3Store::on_seek);
    curl_easy_setopt(curl, CURLOPT_SEEKDATA, in.get());
    curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, size);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &S3Store::on_write);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, &S3Store::on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &stops_);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error.data());
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    constexpr long kConnectSeconds = 10;
    constexpr long kSilentSeconds = 30;
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, kSilentSeconds);
    const auto code = curl_easy_perform(curl);
    if (code != CURLE_OK)
      return url + ": " + (error[0] ? error.data() : curl_easy_strerror(code)) + ".";
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (status / 100 == 2)
      return {};
    const auto reason = reason_in(answer);
    return url + " is answered with " + std::to_string(status) +
           (reason.empty() ? "" : " (" + reason + ")") + ".";
  }

 private:
  struct CurlFree {
    void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
  };

  static std::string hash_of(std::FILE* file, curl_off_t& size) {
    const std::unique_ptr<GChecksum, decltype(&g_checksum_free)> checksum{
        g_checksum_new(G_CHECKSUM_SHA256), &g_checksum_free};
    std::string piece(kPiece, '\0');
    while (const auto got = std::fread(piece.data(), 1, piece.size(), file)) {
      g_checksum_update(checksum.get(), reinterpret_cast<const guchar*>(piece.data()),
                        static_cast<gssize>(got));
      size += static_cast<curl_off_t>(got);
    }
    return g_checksum_get_string(checksum.get());
  }

  static std::size_t on_read(char* to, std::size_t size, std::size_t count, void* file) {
    return std::fread(to, size, count, static_cast<std::FILE*>(file));
  }
  static int on_seek(void* file, curl_off_t offset, int origin) {
    return std::fseek(static_cast<std::FILE*>(file), static_cast<long>(offset), origin) == 0
               ? CURL_SEEKFUNC_OK
               : CURL_SEEKFUNC_FAIL;
  }
  static std::size_t on_write(char* from, std::size_t size, std::size_t count, void* to) {
    constexpr std::size_t kMost = 4096;
    auto& answer = *static_cast<std::string*>(to);
    answer.append(from, std::min(size * count, kMost - std::min(answer.size(), kMost)));
    return size * count;
  }
  static int on_progress(void* stops, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return *static_cast<const std::atomic<bool>*>(stops) ? 1 : 0;
  }

  // <Error><Code>NoSuchBucket</Code>…
  static std::string reason_in(const std::string& answer) {
    constexpr std::string_view kBegin = "<Code>";
    const auto begin = answer.find(kBegin);
    const auto end = answer.find("</Code>");
    if (begin == std::string::npos || end == std::string::npos || end < begin + kBegin.size())
      return {};
    return answer.substr(begin + kBegin.size(), end - begin - kBegin.size());
  }

  const ArchiveDestination destination_;
  const std::string root_;
  const std::atomic<bool>& stops_;
  std::unique_ptr<CURL, CurlFree> curl_;
};

}  // namespace

bool is_below(const fs::path& directory, const fs::path& root) {
  std::error_code code;
  const auto inner = fs::weakly_canonical(directory, code);
  if (code)
    return false;
  auto outer = fs::weakly_canonical(root, code);
  if (code)
    return false;
  if (!outer.has_filename())
    outer = outer.parent_path();  // a slash behind it
  return std::mismatch(outer.begin(), outer.end(), inner.begin(), inner.end()).first == outer.end();
}

std::variant<std::unique_ptr<ArchiveStore>, std::string> open_archive_store(
    const ArchiveDestination& destination, const std::string& name, const std::string& root,
    const std::atomic<bool>& stops) {
  if (!destination.is_directory())
    return std::make_unique<S3Store>(destination, name, stops);
  const auto folder = fs::path{destination.directory()} / name;
  if (root.empty() || !is_below(folder, root))
    return "The directory " + destination.directory() + " is not below archive-directory.";
  std::error_code code;
  fs::create_directories(folder, code);
  if (code)
    return "The directory " + folder.string() + " can't be made: " + code.message() + ".";
  return std::make_unique<DirectoryStore>(folder, stops);
}

std::string archive_location(const ArchiveDestination& destination, const std::string& name) {
  return destination.bucket_uri + "/" + name + "/";
}

}  // namespace live
