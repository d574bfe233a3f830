// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/archiver.hpp"

#include <algorithm>
#include <filesystem>
#include <utility>

#include <curl/curl.h>
#include <glib.h>
#include <glib/gstdio.h>

#include "glue/gstptr.hpp"
#include "log.hpp"
#include "random_text.hpp"
#include "server/archive_store.hpp"
#include "server/state_files.hpp"

namespace live {
namespace {

namespace fs = std::filesystem;

constexpr unsigned kIdLength = 12;
constexpr std::size_t kMostDestinations = 1000;
constexpr std::size_t kMostAtOnce = 2;  // copies
constexpr guint kSaveMs = 5000;         // how much is copied again after the server was killed
// A process of a channel that the server has deleted before it was killed.
constexpr guint kMostToEndMs = 20'000;

ArchiveRecord::Time now() {
  return std::chrono::system_clock::now();
}

bool write(const std::string& path, const std::string& text) {
  const auto why = write_state_file(path, text);
  if (!why.empty())
    log_line("%s can't be written: %s", path.c_str(), why.c_str());
  return why.empty();
}

}  // namespace

Archiver::Archiver(std::string data, std::string root, OnEvent on_event)
    : data_{std::move(data)}, root_{std::move(root)}, on_event_{std::move(on_event)} {
  curl_global_init(CURL_GLOBAL_DEFAULT);
}

Archiver::~Archiver() {
  for (auto& [channel, work] : jobs_) {
    if (!work.copy)
      continue;
    work.record.on_progress(work.copy->progress());
    save(work.record);
    work.copy.reset();
  }
  curl_global_cleanup();
}

std::string Archiver::file_of(const std::string& channel) const {
  return data_ + "/archives/" + channel + std::string{kStateSuffix};
}

std::string Archiver::file_of_destination(const std::string& id) const {
  return data_ + "/archive-destinations/" + id + std::string{kStateSuffix};
}

std::string Archiver::folder_of(const std::string& channel) const {
  return data_ + "/archives/" + channel;
}

std::string Archiver::open() {
  using Mistake = std::optional<std::string>;
  for (const auto& folder : {data_ + "/archives", data_ + "/archive-destinations"})
    if (auto why = open_state_folder(folder); !why.empty())
      return why;
  each_state_file(data_ + "/archive-destinations", [this](std::string_view text) -> Mistake {
    auto read = read_archive_destination_file(text);
    if (auto* why = std::get_if<std::string>(&read))
      return std::move(*why);
    auto& destination = std::get<ArchiveDestination>(read);
    destinations_.emplace(destination.id, std::move(destination));
    return std::nullopt;
  });
  bool has_deleted = false;
  each_state_file(data_ + "/archives", [&](std::string_view text) -> Mistake {
    auto read = read_archive_record(text);
    if (auto* why = std::get_if<std::string>(&read))
      return std::move(*why);
    auto& record = std::get<ArchiveRecord>(read);
    const bool has_ended = !record.is_deleted;
    has_deleted |= record.is_deleted;
    const auto channel = record.channel;
    jobs_.emplace(channel, Work{.record = std::move(record), .copy = {}, .has_ended = has_ended});
    return std::nullopt;
  });
  if (has_deleted)
    ending_.start(kMostToEndMs, [this] {
      std::vector<std::string> channels;
      for (const auto& [channel, work] : jobs_)
        if (!work.has_ended)
          channels.push_back(channel);
      for (const auto& channel : channels)
        begin(channel);
    });
  pump();
  return {};
}

// ---- destinations

std::variant<ArchiveDestination, ApiProblem> Archiver::create(ArchiveDestination destination) {
  if (destinations_.size() >= kMostDestinations)
    return ApiProblem{.kind = ApiProblem::Kind::TooManyChannels,
                      .detail = "There are " + std::to_string(destinations_.size()) +
                                " archive destinations, and no more are allowed; delete one."};
  const auto refuse = [](std::string detail) {
    return ApiProblem{
        .kind = ApiProblem::Kind::NotPossible, .detail = std::move(detail), .field = "bucket_uri"};
  };
  if (destination.is_directory() && root_.empty())
    return refuse("bucket_uri is \"" + destination.bucket_uri +
                  "\", but directories are not allowed on this server, as it has no "
                  "archive-directory; only s3://BUCKET/PREFIX is.");
  if (destination.is_directory() && !is_below(destination.directory(), root_))
    return refuse("bucket_uri is \"" + destination.bucket_uri + "\", but must be below file://" +
                  root_ + ".");
  destination.id = random_text(kIdLength);
  destination.created = now();
  if (!write(file_of_destination(destination.id), to_text(destination)))
    return ApiProblem{
        .kind = ApiProblem::Kind::Failed,
        .detail = "The destination's state can't be written; the server's log says why."};
  log_line("archive destination %s: made, %s", destination.id.c_str(),
           destination.bucket_uri.c_str());
  return destinations_.emplace(destination.id, destination).first->second;
}

bool Archiver::remove(const std::string& id) {
  if (destinations_.erase(id) == 0)
    return false;
  ::g_unlink(file_of_destination(id).c_str());
  log_line("archive destination %s: deleted", id.c_str());
  return true;
}

std::vector<ArchiveDestination> Archiver::destinations() const {
  std::vector<ArchiveDestination> list;
  for (const auto& [id, destination] : destinations_)
    list.push_back(destination);
  std::sort(list.begin(), list.end(), [](const auto& a, const auto& b) {
    return a.created != b.created ? a.created < b.created : a.id < b.id;
  });
  return list;
}

const ArchiveDestination* Archiver::destination(const std::string& id) const {
  const auto found = destinations_.find(id);
  return found == destinations_.end() ? nullptr : &found->second;
}

bool Archiver::is_needed(const std::string& destination) const {
  return std::any_of(jobs_.begin(), jobs_.end(), [&](const auto& entry) {
    const auto& record = entry.second.record;
    return record.destination == destination && record.state == ArchiveRecord::State::Waiting;
  });
}

// ---- archives

void Archiver::save(const ArchiveRecord& record) const {
  static_cast<void>(write(file_of(record.channel), to_text(record)));
}

void Archiver::add(ArchiveRecord record, bool has_ended) {
  const auto channel = record.channel;
  auto& work = jobs_[channel];
  work.record = std::move(record);
  work.has_ended = has_ended;
  save(work.record);
  pump();
}

void Archiver::begin(const std::string& channel) {
  const auto found = jobs_.find(channel);
  if (found == jobs_.end())
    return;
  found->second.has_ended = true;
  // It was deleted before anything was broadcast.
  if (!holds_segments(folder_of(channel)))
    return clean(channel);
  pump();
}

void Archiver::on_deleted(const std::string& channel) {
  const auto found = jobs_.find(channel);
  if (found == jobs_.end()) {
    std::error_code code;
    fs::remove_all(folder_of(channel), code);
    return;
  }
  auto& record = found->second.record;
  record.is_deleted = true;
  if (record.state == ArchiveRecord::State::Created)
    return clean(channel);
  save(record);
}

void Archiver::clean(const std::string& channel) {
  jobs_.erase(channel);
  std::error_code code;
  fs::remove_all(folder_of(channel), code);
  if (code)
    log_line("%s: its archive's folder can't be removed: %s", channel.c_str(),
             code.message().c_str());
  ::g_unlink(file_of(channel).c_str());
}

void Archiver::pump() {
  auto running = static_cast<std::size_t>(std::count_if(
      jobs_.begin(), jobs_.end(), [](const auto& entry) { return entry.second.copy != nullptr; }));
  const auto at = now();
  std::optional<ArchiveRecord::Time> next;
  for (auto& [channel, work] : jobs_) {
    if (work.copy || !work.has_ended || work.record.state != ArchiveRecord::State::Waiting)
      continue;
    const auto due = work.record.due.value_or(at);
    // Later than the longest wait: the clock was set back.
    if (due > at && due - at <= BackOff::kLongest) {
      next = std::min(next.value_or(due), due);
    } else if (running < kMostAtOnce) {
      start(work);
      ++running;
    }
  }
  if (next) {
    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(*next - at).count();
    timer_.start(static_cast<guint>(std::max<std::int64_t>(wait, 0)), [this] { pump(); });
  }
}

void Archiver::start(Work& work) {
  const auto& record = work.record;
  const auto* destination = this->destination(record.destination);
  const ArchiveDestination gone{.id = record.destination, .bucket_uri = "file:///deleted"};
  work.copied_before = record.progress.files_copied;
  work.copy = std::make_unique<ArchiveCopy>(
      ArchiveCopy::Job{.folder = folder_of(record.channel),
                       .name = record.channel,
                       .destination = destination ? *destination : gone,
                       .root = root_,
                       .progress = record.progress},
      [this, channel = record.channel](const std::string& why_not) { on_end(channel, why_not); });
  if (!saving_.is_running())
    saving_.start(kSaveMs, [this] { save_progress(); });
}

void Archiver::save_progress() {
  bool is_copying = false;
  for (auto& [channel, work] : jobs_) {
    if (!work.copy)
      continue;
    is_copying = true;
    work.record.on_progress(work.copy->progress());
    save(work.record);
  }
  if (is_copying)
    saving_.start(kSaveMs, [this] { save_progress(); });
}

void Archiver::on_end(const std::string& channel, const std::string& why_not) {
  const auto found = jobs_.find(channel);
  if (found == jobs_.end())
    return;
  auto& work = found->second;
  auto& record = work.record;
  record.on_progress(work.copy->progress());
  work.copy.reset();
  const char* id = channel.c_str();
  if (why_not.empty()) {
    record.on_created();
    save(record);
    const auto info = info_of(work);
    log_line("%s: its archive is at %s, %llu files, %llu bytes", id, info.location.c_str(),
             static_cast<unsigned long long>(info.files),
             static_cast<unsigned long long>(info.bytes));
    on_event_(record, info, Event::Created);
    if (record.is_deleted)
      clean(channel);
  } else {
    const bool is_over =
        record.on_failure(now(), why_not, record.progress.files_copied > work.copied_before);
    save(record);
    if (is_over)
      log_line("%s: its archive is given up, and stays in %s: %s", id, folder_of(channel).c_str(),
               why_not.c_str());
    else if (record.failures == 1)
      log_line("%s: its archive can't be copied and is tried again: %s", id, why_not.c_str());
    if (is_over || record.failures == 1)
      on_event_(record, info_of(work), Event::Failed);
  }
  pump();
}

ArchiveInfo Archiver::info_of(const Work& work) const {
  const auto& record = work.record;
  const auto progress = work.copy ? work.copy->progress() : record.progress;
  const auto state = !work.has_ended                                 ? ArchiveState::Recording
                     : work.copy                                     ? ArchiveState::Copying
                     : record.state == ArchiveRecord::State::Created ? ArchiveState::Created
                     : record.state == ArchiveRecord::State::Failed  ? ArchiveState::Failed
                                                                     : ArchiveState::Waiting;
  const auto* where = destination(record.destination);
  return {.connection_id = record.connection_id(),
          .destination_id = record.destination,
          .location = where ? archive_location(*where, record.channel) : std::string{},
          .state = state,
          .files = progress.files,
          .files_copied = progress.files_copied,
          .bytes = progress.bytes,
          .bytes_copied = progress.bytes_copied,
          .error = record.error};
}

std::optional<ArchiveInfo> Archiver::find(const std::string& channel) const {
  const auto found = jobs_.find(channel);
  return found == jobs_.end() ? std::nullopt : std::optional{info_of(found->second)};
}

std::vector<ArchiveInfo> Archiver::of_connections(const std::string& channel) const {
  std::vector<ArchiveInfo> list;
  for (const auto& [id, work] : jobs_)
    if (work.record.connection_of == channel)
      list.push_back(info_of(work));
  return list;
}

}  // namespace live
