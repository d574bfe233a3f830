// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <gst/gst.h>

#include "glue/gstptr.hpp"
#include "settings.hpp"

namespace live {

// What viewers fetch: one hlslivesink and its origin, which outlive the broadcasts that feed them. The
// playlist stays where it is; each broadcast goes on with its numbers.
class Output {
 public:
  // What one of its pads takes: the sound or the picture of a rendition, which are counted from 0.
  struct Stream {
    bool is_audio = false;
    std::size_t rendition = 0;
    unsigned bps = 0;  // at most; 0: not known beforehand
    [[nodiscard]] std::string name() const {
      return (is_audio ? "audio_" : "video_") + std::to_string(rendition);
    }
  };
  struct Figures {
    guint64 begun = 0;           // segments
    guint64 missed = 0;          // places where one should have begun, and none did
    gint64 error_ns = 0;         // of the newest one's beginning, from its place
    guint64 worst_error_ns = 0;  // so far
    guint64 duration_ns = 0;     // of the newest that has ended; 0 before the first
    guint64 bytes = 0;           // of all renditions
    guint64 parts = 0;
    guint64 delay_ns = 0;  // of the newest part: from its last frame to the playlist that lists it
    guint64 worst_delay_ns = 0;
  };

  // The pipeline plays. An error is a sentence for a person.
  static std::variant<std::unique_ptr<Output>, std::string> create(GstBin* pipeline,
                                                                   const Settings& settings);
  ~Output();
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  // For the streams of a broadcast. A playlist that has not ended goes on, behind a discontinuity.
  [[nodiscard]] bool begin(const std::vector<Stream>& streams);
  [[nodiscard]] onair::GstPtr<GstPad> pad(const Stream& stream) const;
  // The playlist says so at the end. The sink's EOS tells when that has happened.
  void end();
  void on_end() { state_ = State::Ended; }
  // The sink has told of one.
  void on_segment(const GstStructure* segment);

  [[nodiscard]] bool is_open() const { return state_ == State::Open; }
  [[nodiscard]] bool is_ending() const { return state_ == State::Ending; }
  // Since it began.
  [[nodiscard]] bool has_segments() const { return has_segments_; }
  [[nodiscard]] bool owns(GstObject* object) const;
  [[nodiscard]] unsigned port() const;
  [[nodiscard]] Figures figures() const;

 private:
  enum class State { Ended, Open, Ending };

  explicit Output(GstBin* pipeline, onair::GstPtr<GstElement> sink)
      : pipeline_{pipeline}, sink_{std::move(sink)} {}
  void release_pads();

  GstBin* pipeline_;
  onair::GstPtr<GstElement> sink_;
  std::vector<onair::GstPtr<GstPad>> pads_;  // of the newest broadcast
  State state_ = State::Ended;
  bool has_segments_ = false;
  guint64 duration_ns_ = 0;  // of the newest segment of the first rendition
};

}  // namespace live
