// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gst/gst.h>

#include "archive.hpp"
#include "base/time.hpp"
#include "encryption.hpp"
#include "glue/gstptr.hpp"
#include "glue/guarded.hpp"
#include "inheritance.hpp"
#include "input.hpp"
#include "keys.hpp"
#include "playlist/media_playlist.hpp"
#include "playlist/variant_set.hpp"
#include "resource_answer.hpp"
#include "settings.hpp"
#include "storage/directory_storage.hpp"
#include "storage/storage.hpp"
#include "stored_bytes.hpp"
#include "wall_clock.hpp"

namespace onair {

// Of 1900 and of 1970.
constexpr Duration kNtpToUnix = std::chrono::seconds(2'208'988'800);
constexpr NtpTime to_ntp(UtcTime time) {
  return NtpTime{time.time_since_epoch() + kNtpToUnix};
}
constexpr UtcTime to_utc(NtpTime time) {
  return UtcTime{time.time_since_epoch() - kNtpToUnix};
}

// Everything that viewers can fetch: the storage, the master playlist, and what the media playlists have in
// common. Renditions write from threads of their own, one at a time, each in a Session.
class Publication {
 public:
  // The world around. None of these is called with a lock held.
  class Surroundings {
   public:
    virtual ~Surroundings() = default;
    [[nodiscard]] virtual ClockTime now() = 0;
    virtual void on_change(const std::string& name) = 0;
    virtual void on_message(StructurePtr message) = 0;
    virtual void on_failure(const StorageError& error) = 0;
    // The key of that number, if the application has one.
    [[nodiscard]] virtual std::optional<AesBlock> key(std::uint64_t number) = 0;
  };

  // What one rendition has written so far.
  struct Progress {
    std::uint64_t segments = 0;
    std::uint64_t parts = 0;
    std::uint64_t gaps = 0;  // segments that could not be written
    std::uint64_t bytes = 0;
    std::uint64_t sequence = 0;  // of the newest segment
    std::uint64_t bandwidth = 0;
    Duration delay{};  // of the newest part or segment: from its last frame to its playlist
    Duration worst_delay{};
  };

  // Of a segment, in all renditions.
  struct Place {
    std::int64_t index = 0;  // of its boundary
    std::uint64_t sequence = 0;
    std::optional<UtcTime> date;
  };

  // Goes on with the storage of a `former` one, if there is one.
  Publication(const LiveSettings& settings, Surroundings& surroundings, const Publication* former);

  // Takes the storage over, with what was left there.
  [[nodiscard]] Storage::Failure prepare();
  // Of a playlist that will be there.
  void announce(const std::string& playlist);
  // All renditions number and date their segments alike. Any thread, and never waits for a disk.
  [[nodiscard]] Place place_of(const Boundary& boundary);
  // How a player is answered (see hlslivesink's request-resource). Any thread, and never waits for a disk
  // that writes.
  [[nodiscard]] StructurePtr request(std::string_view target, std::uint64_t offset);

  [[nodiscard]] const LiveSettings& settings() const { return settings_; }
  [[nodiscard]] bool is_low_latency() const { return is_low_latency_; }
  [[nodiscard]] bool is_encrypted() const { return !settings_.key_uri.empty(); }
  [[nodiscard]] ClockTime now() { return surroundings_.now(); }
  [[nodiscard]] auto wall_clock() { return wall_clock_.lock(); }
  [[nodiscard]] StructurePtr stats();

  class Session;

 private:
  using Views = std::map<std::string, PlaylistView, std::less<>>;

  [[nodiscard]] StructurePtr request_file(const std::string& name, std::uint64_t offset);
  [[nodiscard]] Duration target_duration() const;

  const LiveSettings settings_;
  Surroundings& surroundings_;
  const bool is_low_latency_;
  std::shared_ptr<Storage> storage_;
  DirectoryStorage* directory_ = nullptr;  // the same, if it is one
  std::unique_ptr<Archive> archive_;
  Guarded<WallClock> wall_clock_;
  struct Places {
    std::deque<Place> known;
    std::uint64_t next_sequence = 0;
  };
  Guarded<Places> places_;
  Guarded<Views> views_;
  Guarded<std::map<std::string, Progress>> progress_;
  Guarded<std::optional<Keys>> keys_;  // from prepare() on, if segments are encrypted

  // The writers'.
  std::mutex mutex_;
  Inheritance inherited_;
  VariantSet variants_;
  std::string master_;
  StoredBytes stored_;
  bool is_full_ = false;
  std::map<std::string, std::error_code, std::less<>> failing_;  // until it works again
};

// What one rendition writes at a time. Players and the application hear of it at the end.
class Publication::Session {
 public:
  explicit Session(Publication& publication);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  [[nodiscard]] ClockTime now() const { return now_; }
  // What a segment is encrypted with; nothing where none is, or there is no key. The next one is asked for
  // when the lock is gone.
  struct Key {
    AesBlock bytes;
    std::string uri;
  };
  [[nodiscard]] std::optional<Key> key_of(std::uint64_t sequence);
  [[nodiscard]] std::uint64_t next_sequence() { return self_.places_.lock()->next_sequence; }
  // What was left behind.
  [[nodiscard]] Inheritance& inherited() { return self_.inherited_; }

  // Each returns whether it worked; who needs to know hears of it.
  bool replace(const std::string& name, Bytes bytes);
  bool begin(const std::string& name, Storage::Kind kind);
  bool append(const std::string& name, Storage::Kind kind, Bytes bytes);
  bool finish(const std::string& name, Storage::Kind kind);
  void remove(const std::string& name);
  // What is there of it goes.
  // Of a segment that is finished, or was before this process began.
  void on_stored(const std::string& name, std::uint64_t bytes) { self_.stored_.add(name, bytes); }
  void on_found(const std::string& name);
  // What has to go when `playlist` is published.
  [[nodiscard]] std::vector<std::string> make_room(MediaPlaylist& playlist);
  void give_up(const std::string& name, EncryptionError why);
  void on_encrypted() { judge(std::nullopt, "encryption"); }
  void archive(const std::string& playlist, const MediaSegment& segment);
  // What is listed already, of a playlist that goes on.
  void archive_listed(const std::string& playlist, const std::deque<MediaSegment>& listed);
  void end_archive(const std::string& playlist);

  void publish(const std::string& name, const MediaPlaylist& playlist, const std::string& hint);
  void describe(const VariantSet::Stream& stream);
  [[nodiscard]] auto progress() { return self_.progress_.lock(); }
  void post(StructurePtr message) { messages_.push_back(std::move(message)); }

 private:
  bool judge(const Storage::Failure& failure, std::string_view about);
  void complain(const StorageError& error, std::string_view about);
  void write_master();
  void fetch_key(std::uint64_t number);

  Publication& self_;
  const ClockTime now_;
  std::unique_lock<std::mutex> lock_;
  std::vector<std::string> changed_;
  std::vector<StructurePtr> messages_;
  std::vector<StorageError> failures_;
  std::optional<std::uint64_t> wanted_key_;
};

}  // namespace onair
