// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <gst/gst.h>

#include "age_meter.hpp"
#include "bins.hpp"
#include "glue/gstptr.hpp"
#include "output.hpp"
#include "settings.hpp"
#include "snapshots.hpp"
#include "start_gate.hpp"

namespace live {

// From decoded sound and picture to what the output takes: one steady stream without a hole, whatever
// publishers send and while none is there. Sound is MP3 or AAC; the picture is brought to a constant size and
// encoded, or there are several, of abrladder.
class Broadcast {
 public:
  // Later: it has been promised, and until it comes there is silence, or black.
  enum class Stream { None, Later, Here };
  // How a rendition's picture is made.
  struct Encoding {
    std::string encoder;  // the element
    double fps = 0;       // at most, now
    guint64 dropped = 0;  // frames, as the encoder was too far behind
  };
  // Posted by the bin for each of its streams that has come to its end.
  static constexpr const char* kEndMessage = "live-stream-ended";

  // The bin goes into `pipeline` and feeds `output`; both outlive it, and so do the settings. An error is a sentence for a person.
  static std::variant<std::unique_ptr<Broadcast>, std::string> create(GstBin* pipeline,
                                                                      const Settings& settings,
                                                                      Output& output, Stream audio,
                                                                      Stream video);
  // Takes the bin out of the pipeline.
  ~Broadcast();
  Broadcast(const Broadcast&) = delete;
  Broadcast& operator=(const Broadcast&) = delete;

  // Where an intake may be linked; none for what nobody sees or hears.
  [[nodiscard]] onair::GstPtr<GstPad> pad(bool is_audio) const;
  // Whether each of them has a pad, or is not wanted anyway.
  [[nodiscard]] bool has_room_for(bool audio, bool video) const;
  // Nothing comes: until something does, the last picture and silence, at the pace that there was.
  void hold();
  // Nobody is linked, and nobody comes any more.
  void end();
  // By the numbers of the renditions; nothing for those without a picture.
  [[nodiscard]] std::vector<std::optional<Encoding>> encodings() const;
  // In nanoseconds, by the time line of what comes in, when it leaves for the playlist; none before the first.
  [[nodiscard]] std::optional<GstClockTimeDiff> age(bool is_audio);
  [[nodiscard]] bool owns(GstObject* object) const { return is_within(object, bin_.get()); }
  // Whether that was the last one.
  [[nodiscard]] bool on_stream_end() { return --streams_ == 0; }

 private:
  Broadcast(GstBin* pipeline, const Settings& settings)
      : pipeline_{pipeline}, settings_{&settings} {}

  GstBin* pipeline_;
  const Settings* settings_;
  onair::GstPtr<GstElement> bin_;
  std::array<std::unique_ptr<AgeMeter>, 2>
      ages_;  // of picture and sound of the first rendition that has them
  std::unique_ptr<StartGate> gate_;
  std::unique_ptr<Snapshots> snapshots_;  // where there may be some
  unsigned streams_ = 0;                  // that have not ended
};

}  // namespace live
