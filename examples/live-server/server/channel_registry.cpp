// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/channel_registry.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>

#include <glib/gstdio.h>

#include "log.hpp"
#include "server/state_files.hpp"

namespace live {
namespace {

namespace fs = std::filesystem;

// Workers look for a server each 200 ms.
constexpr unsigned kOpeningMs = 1000;

std::size_t workers_of(const ChannelRegistry::Entries& entries) {
  return static_cast<std::size_t>(
      std::count_if(entries.begin(), entries.end(),
                    [](const auto& entry) { return entry.second->has_worker(); }));
}

}  // namespace

ChannelRegistry::ChannelRegistry(std::string data,
                                 std::function<void(const std::string& id)> on_removed)
    : data_{std::move(data)},
      on_removed_{std::move(on_removed)},
      control_{[this](onair::GstPtr<GSocket> socket) { on_connection(std::move(socket)); }} {}

std::string ChannelRegistry::file_of(const std::string& id) const {
  return records_folder() + "/" + id + std::string{kStateSuffix};
}

std::string ChannelRegistry::open() {
  // No other server has this folder then, and workers are told where they find this one.
  if (auto why = control_.listen(data_); !why.empty())
    return why;
  if (auto why = open_state_folder(records_folder()); !why.empty())
    return why;
  std::error_code code;
  if (fs::create_directories(hls_folder(), code); code)
    return "The folder " + hls_folder() + " can't be made: " + code.message() + ".";
  return {};
}

std::vector<ChannelRecord> ChannelRegistry::read() const {
  std::vector<ChannelRecord> records;
  each_state_file(records_folder(), [&](std::string_view text) -> std::optional<std::string> {
    auto read = read_channel_record(text);
    if (auto* why = std::get_if<std::string>(&read))
      return std::move(*why);
    records.push_back(std::get<ChannelRecord>(std::move(read)));
    return std::nullopt;
  });
  return records;
}

void ChannelRegistry::resume(std::function<void()> done) {
  opening_.start(kOpeningMs, [this, done = std::move(done)] {
    for (const auto& [id, its] : entries_)
      its->open();
    done();
  });
}

void ChannelRegistry::close(std::function<void()> done) {
  on_closed_ = std::move(done);
  for (const auto& [id, its] : entries_)
    its->rest();
  sweep();
}

bool ChannelRegistry::save(const ChannelRecord& record) {
  const auto why = write_state_file(file_of(record.id), to_text(record));
  if (!why.empty())
    log_of(record.id, LogLevel::Warning, "its state can't be written: %s", why.c_str());
  return why.empty();
}

RunningChannel& ChannelRegistry::add(ChannelRecord record,
                                     RunningChannel::Surroundings surroundings,
                                     std::unique_ptr<RtpDoor> door) {
  const auto id = record.id;
  surroundings.folder = folder_of(id);
  surroundings.control = control_.path();
  surroundings.on_record = [this, id] {
    if (const auto* its = find(id))
      static_cast<void>(save(its->record()));
  };
  surroundings.on_gone = [this, id] { on_gone(id); };
  auto& its = entries_[id];
  its =
      std::make_unique<RunningChannel>(std::move(record), std::move(surroundings), std::move(door));
  return *its;
}

void ChannelRegistry::open(RunningChannel& its) {
  if (!opening_.is_running())
    its.open();
}

// ---- who is there

RunningChannel* ChannelRegistry::find(const std::string& id) const {
  const auto found = entries_.find(id);
  return found == entries_.end() ? nullptr : found->second.get();
}

RunningChannel* ChannelRegistry::any(const std::string& id) const {
  const auto removed = removed_.find(id);
  return removed == removed_.end() ? find(id) : removed->second.get();
}

RunningChannel* ChannelRegistry::channel(const std::string& id) const {
  auto* its = find(id);
  return its && !its->record().is_connection() ? its : nullptr;
}

std::vector<RunningChannel*> ChannelRegistry::channels() const {
  std::vector<RunningChannel*> channels;
  for (const auto& [id, its] : entries_)
    if (!its->record().is_connection())
      channels.push_back(its.get());
  return channels;
}

std::size_t ChannelRegistry::workers() const {
  return workers_of(entries_) + workers_of(removed_);
}

// ---- workers

void ChannelRegistry::on_connection(onair::GstPtr<GSocket> socket) {
  const auto visitor = visitors_.emplace(visitors_.end());
  const auto attached = std::make_shared<std::string>();  // the channel, once it is known
  visitor->link = std::make_unique<JsonLines>(
      std::move(socket),
      [this, visitor, attached](const Json& message) {
        if (attached->empty())
          on_hello(visitor, *attached, message);
        else if (auto* its = any(*attached))
          its->on_message(message);
      },
      [this, visitor, attached](const std::string& why) {
        if (attached->empty())
          visitors_.erase(visitor);
        else if (auto* its = any(*attached))
          its->on_link_lost(why);
      });
}

void ChannelRegistry::on_hello(std::list<Visitor>::iterator visitor, std::string& attached,
                               const Json& message) {
  const auto id = message.value("channel", "");
  const bool has_job = message.value("job", false);
  auto* its = any(id);
  // One with a job was another server's; one without has been started, and is waited for.
  if (!its || its->is_attached() || has_job == its->has_worker()) {
    log_of(id, LogLevel::Warning, "a process for it is sent away, as nobody has asked for it");
    return visitor->link->send({{"type", "stop"}});
  }
  attached = id;
  auto link = std::move(visitor->link);
  visitors_.erase(visitor);
  its->attach(std::move(link), has_job);
}

// Whatever its state was: one that was idle still had a worker.
void ChannelRegistry::on_gone(const std::string& id) {
  if (removed_.contains(id) || is_closing())
    sweeping_.start(0, [this] { sweep(); });  // not within its own call
}

// ---- what goes

void ChannelRegistry::discard(const std::string& id) {
  const auto found = entries_.find(id);
  found->second->stop();
  ::g_unlink(file_of(id).c_str());
  removed_.insert(entries_.extract(found));
  log_of(id, LogLevel::Info, "deleted");
}

void ChannelRegistry::sweep() {
  for (auto at = removed_.begin(); at != removed_.end();) {
    if (at->second->has_worker()) {
      ++at;
      continue;
    }
    std::error_code code;
    fs::remove_all(folder_of(at->first), code);
    if (code)
      log_of(at->first, LogLevel::Warning, "its folder can't be removed: %s",
             code.message().c_str());
    on_removed_(at->first);
    at = removed_.erase(at);
  }
  if (removed_.empty() && workers_of(entries_) == 0)
    if (const auto done = std::exchange(on_closed_, nullptr))
      done();
}

}  // namespace live
