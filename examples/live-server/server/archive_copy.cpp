// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/archive_copy.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>
#include <vector>

#include <glib.h>

#include "server/archive_plan.hpp"
#include "server/archive_store.hpp"

namespace live {
namespace {

namespace fs = std::filesystem;

// Playlists are finished where they lie, as their writer has been killed; nobody else writes there.
std::string finish(const fs::path& file) {
  std::ifstream in{file, std::ios::binary};
  const std::string text{std::istreambuf_iterator<char>{in}, {}};
  if (!in.good() && !in.eof())
    return file.string() + " can't be read.";
  const auto finished = finished_playlist(text);
  if (finished == text ||
      g_file_set_contents_full(file.c_str(), finished.data(), static_cast<gssize>(finished.size()),
                               G_FILE_SET_CONTENTS_CONSISTENT, 0644, nullptr))
    return {};
  return file.string() + " can't be written.";
}

std::uint64_t size_of(const fs::path& file) {
  std::error_code code;
  const auto size = fs::file_size(file, code);
  return code ? 0 : size;
}

}  // namespace

std::vector<std::string> file_names(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code code;
  for (fs::directory_iterator at{folder, code}, end; !code && at != end; at.increment(code))
    if (std::error_code ignored; at->symlink_status(ignored).type() == fs::file_type::regular)
      names.push_back(at->path().filename().string());
  return names;
}

bool holds_segments(const std::string& folder) {
  std::error_code code;
  for (fs::directory_iterator at{folder, code}, end; !code && at != end; at.increment(code))
    if (has_segments({at->path().filename().string()}))
      return true;
  return false;
}

ArchiveCopy::ArchiveCopy(Job job, OnEnd on_end)
    : job_{std::move(job)},
      files_{job_.progress.files},
      files_copied_{job_.progress.files_copied},
      bytes_{job_.progress.bytes},
      bytes_copied_{job_.progress.bytes_copied},
      end_{std::make_shared<End>(End{.call = std::move(on_end), .why_not = {}})},
      thread_{[this, end = end_] {
        end->why_not = copy();
        const auto tell = [](gpointer data) -> gboolean {
          auto its = *static_cast<std::shared_ptr<End>*>(data);
          if (const auto call = std::exchange(its->call, nullptr))
            call(its->why_not);
          return G_SOURCE_REMOVE;
        };
        g_idle_add_full(G_PRIORITY_DEFAULT, tell, new std::shared_ptr<End>{end},
                        [](gpointer data) { delete static_cast<std::shared_ptr<End>*>(data); });
      }} {}

ArchiveCopy::~ArchiveCopy() {
  stops_ = true;
  end_->call = nullptr;
  thread_.join();
}

ArchiveRecord::Progress ArchiveCopy::progress() const {
  return {.files = files_,
          .files_copied = files_copied_,
          .bytes = bytes_,
          .bytes_copied = bytes_copied_};
}

std::string ArchiveCopy::copy() {
  try {
    return copy_files();
  } catch (const std::exception& error) {
    return std::string{"It can't be copied: "} + error.what() + ".";
  }
}

std::string ArchiveCopy::copy_files() {
  const fs::path folder{job_.folder};
  const auto names = copying_order(file_names(job_.folder));
  if (!has_segments(names))
    return "There is nothing in " + job_.folder + ".";
  std::uint64_t bytes = 0;
  for (const auto& name : names) {
    if (name.ends_with(".m3u8"))
      if (auto why = finish(folder / name); !why.empty())
        return why;
    bytes += size_of(folder / name);
  }
  // Other files than the last time: all of it again.
  if (files_ != names.size() || bytes_ != bytes || files_copied_ > names.size()) {
    files_copied_ = 0;
    bytes_copied_ = 0;
  }
  files_ = names.size();
  bytes_ = bytes;
  auto opened = open_archive_store(job_.destination, job_.name, job_.root, stops_);
  if (auto* why = std::get_if<std::string>(&opened))
    return std::move(*why);
  auto& store = std::get<std::unique_ptr<ArchiveStore>>(opened);
  for (auto at = static_cast<std::size_t>(files_copied_); at < names.size(); ++at) {
    if (stops_)
      return "It was interrupted.";
    const auto& name = names[at];
    if (auto why = store->put(name, folder / name); !why.empty())
      return why;
    bytes_copied_ += size_of(folder / name);
    ++files_copied_;
  }
  return {};
}

}  // namespace live
