// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <gst/gst.h>

#include "base/time.hpp"
#include "file_name.hpp"
#include "glue/guarded.hpp"
#include "input.hpp"
#include "muxer.hpp"
#include "part_assembler.hpp"
#include "playlist/bandwidth.hpp"
#include "playlist/media_playlist.hpp"
#include "playlist/variant_set.hpp"
#include "publication.hpp"
#include "transport_tables.hpp"

namespace onair {

// The files and the playlist of one rendition. What comes out of the muxer is written as it comes; the
// marks in it say what it was.
class SegmentWriter : public Muxer::Reader {
 public:
  struct Config {
    std::string name;       // of the playlist, without its ending
    std::string extension;  // of segments
    unsigned number = 0;    // in the order of the master playlist
    bool is_group = false;
  };
  // In front of the bytes of a segment.
  struct Begin {
    Boundary boundary;
    bool is_discontinuous = false;
    bool has_new_muxer = false;
    Publication::Place place{};  // found by expect()
  };
  // Behind those of a part, of a segment, or of both.
  struct Mark {
    std::uint64_t id = 0;
    ClockTime complete{};  // when its last frame had come
    std::optional<PartAssembler::EndPart> part{};
    std::optional<PartAssembler::EndSegment> segment{};
  };

  SegmentWriter(Publication& publication, Config config);

  [[nodiscard]] ClockTime now() { return publication_.now(); }
  // Who feeds the muxer says in advance what will come.
  void set_part_target(Duration longest) { part_target_ = longest; }  // before anything else
  void describe(MediaKind kind, GstCaps* caps, GstBuffer* first);
  void expect(Begin begin) {
    begin.place = publication_.place_of(begin.boundary);
    expected_.lock()->emplace_back(begin);
  }
  void expect(const Mark& mark) { expected_.lock()->emplace_back(mark); }
  // Everything is out, and nothing comes any more.
  void finish();

  // The muxer's thread.
  GstFlowReturn on_bytes(std::vector<std::uint8_t> bytes) override;
  GstFlowReturn on_header(std::vector<std::uint8_t> bytes) override;
  void on_part_end(std::uint64_t part) override;

 private:
  // A file that is being written.
  struct Growing {
    std::string name;
    Storage::Kind kind = Storage::Kind::Segment;
    std::optional<SegmentEncryptor> encryptor{};
    std::uint64_t size = 0;
    bool has_begun = false;
    bool has_failed = false;
    [[nodiscard]] bool is_whole() const { return has_begun && !has_failed; }
  };
  using Expected = std::variant<Begin, Mark>;
  using Session = Publication::Session;

  [[nodiscard]] std::optional<Begin> next_begin();
  [[nodiscard]] std::optional<Mark> next_mark(std::uint64_t id);
  void open(Session& session);
  [[nodiscard]] Growing grow(std::string name, Storage::Kind kind) const;
  void write(Session& session, Growing& file, Bytes bytes);
  void append(Session& session, Growing& file, Bytes bytes);
  void give_up(Session& session, Growing& file, EncryptionError why);
  void add_tables(std::vector<std::uint8_t>& packets);
  void finish(Session& session, Growing& file);
  void end_part(Session& session, const PartAssembler::EndPart& part);
  void end_segment(Session& session, const PartAssembler::EndSegment& segment);
  void publish(Session& session);
  [[nodiscard]] std::string segment_name(std::uint64_t number) const;
  [[nodiscard]] std::string part_name(std::uint64_t number, std::int64_t part) const;
  [[nodiscard]] std::string playlist_name() const {
    return config_.name + std::string{kPlaylistEnding};
  }
  void begin_playlist(Session& session);

  Publication& publication_;
  const Config config_;
  Guarded<std::deque<Expected>> expected_;
  Guarded<VariantSet::Stream> stream_;

  std::optional<Duration> part_target_;  // the longest part

  // In a Session.
  std::optional<MediaPlaylist> playlist_;
  std::optional<Bandwidth> bandwidth_;
  TransportTables tables_;
  std::vector<std::uint8_t> early_;  // packets that came in front of the muxer's first tables
  bool is_open_ = false;
  bool is_resumed_ = false;  // the next segment is the first one after what was left behind
  std::uint64_t sequence_ = 0;
  std::uint64_t name_offset_ = 0;  // files are called by a number that is this much higher
  std::int64_t part_ = 0;
  // Of a segment and its parts.
  struct Cipher {
    AesBlock key;
    AesBlock iv;
  };
  std::optional<Cipher> cipher_;
  Growing segment_file_;
  Growing part_file_;
  std::string map_;
  std::uint64_t map_number_ = 0;
};

}  // namespace onair
