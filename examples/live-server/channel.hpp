// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gio/gio.h>
#include <gst/gst.h>

#include "broadcast.hpp"
#include "glue/gstptr.hpp"
#include "ingest.hpp"
#include "intake.hpp"
#include "output.hpp"
#include "settings.hpp"
#include "timer.hpp"

namespace live {

using RtpSockets = std::map<std::string, onair::GstPtr<GSocket>>;

// One channel: endpoints (WHIP's, and Sora's if it is asked for) and a playlist that stay, broadcasts that come and go, and in each one publisher
// at a time: who goes away without a goodbye may come back, or another, and viewers see the broadcast go on.
// Lives on the main thread; everything reaches it through the pipeline's bus.
class Channel {
 public:
  enum class State { Idle, Starting, Live, Away };
  struct Status {
    State state = State::Idle;
    unsigned broadcasts = 0;  // so far, with the current one, however many publishers it has had
    std::string message;      // a sentence for a person
    // What is received now.
    struct Stream {
      std::string kind;       // "audio" or "video"
      guint64 buffer_ms = 0;  // how long the jitter buffer waits for what is missing
      guint64 lost = 0;       // packets
      guint64 repaired = 0;   // of those asked for again
      guint64 late = 0;       // came when later ones had gone out
      // Nanoseconds since it arrived, on average of late: when it is decoded, and encoded again.
      std::optional<GstClockTimeDiff> decoded_ns;
      std::optional<GstClockTimeDiff> encoded_ns;
    };
    std::vector<Stream> streams;
    std::optional<Intake::Alignment> alignment;
    std::optional<Output::Figures> output;  // of the current broadcast
    std::vector<std::optional<Broadcast::Encoding>> renditions;
    bool is_full = false;  // its disk quota is used up
  };

  // `sockets` are those that somebody has bound for RTP: audio, audio-rtcp, video, video-rtcp.
  explicit Channel(Settings settings, std::vector<Ingest> ingests = {Ingest::Whip},
                   RtpSockets sockets = {});
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  // Empty when its endpoints listen, else why they do not.
  [[nodiscard]] std::string start();
  // Behind start(), with a playlist that somebody else has left: it goes on as if a publisher of this was away.
  void resume(bool audio, bool video);
  [[nodiscard]] unsigned whip_port() const;
  // Whether somebody may publish by this: calls with the port to go to, or 0 while one who came another way has the
  // place. Who came the same way is that endpoint's business. A silent one is let go, and the call comes behind.
  void admit(Ingest ingest, std::function<void(unsigned port)> call);
  [[nodiscard]] unsigned hls_port() const { return output_->port(); }
  [[nodiscard]] Status status();
  // The same as there, at no cost.
  [[nodiscard]] State state() const;
  // Called on the main thread after whatever may have changed its state.
  void on_change(std::function<void()> call) { on_change_ = std::move(call); }
  // Ends the broadcast cleanly and calls `done`, at the latest after kDrainMs.
  void stop(std::function<void()> done);

 private:
  // A pad of the ingest whose data is held until there is something to link it to.
  class WaitingPad {
   public:
    WaitingPad(onair::GstPtr<GstPad> pad, gulong block) : pad_{std::move(pad)}, block_{block} {}
    ~WaitingPad();  // lets the data go
    WaitingPad(WaitingPad&&) = default;
    WaitingPad& operator=(WaitingPad&&) = default;
    [[nodiscard]] GstPad* get() const { return pad_.get(); }
    [[nodiscard]] bool is_audio() const;

   private:
    onair::GstPtr<GstPad> pad_;
    gulong block_;
  };

  struct Source {
    Ingest ingest;
    onair::GstPtr<GstElement> element;
  };

  static gboolean on_bus(GstBus* bus, GstMessage* message, gpointer self);
  void on_message(GstMessage* message);
  [[nodiscard]] unsigned port_of(Ingest ingest) const;
  void on_session(GstObject* source, const GstStructure* session);
  void on_ended(const GstStructure* session);
  void on_pad(GstObject* source, const GstStructure* structure);
  void end_session();
  void on_error(GstMessage* message);
  void begin();
  [[nodiscard]] std::string build(Broadcast::Stream audio, Broadcast::Stream video);
  [[nodiscard]] bool is_on_air() const;
  [[nodiscard]] std::vector<Status::Stream> streams(const Intake::TimeLine& line);
  void leave();
  void on_intake_end(GstObject* source);
  void on_left(const std::string& why);
  void hold();
  void drain();
  void end_broadcast(const std::string& why);
  void break_off(const std::string& why);
  void wait_for_return();
  void end_output();
  void on_output_end();
  void finish_stop();

  Settings settings_;
  RtpSockets sockets_;
  onair::GstPtr<GstElement> pipeline_;
  std::vector<Source> sources_;
  GstElement* publisher_ = nullptr;  // whose session it is, of the sources; null: nobody's
  std::unique_ptr<Output> output_;
  State state_ = State::Idle;
  unsigned broadcasts_ = 0;
  std::string message_ = "Waiting for a broadcaster.";
  bool expects_audio_ = false;
  bool expects_video_ = false;
  bool is_full_ = false;  // the disk quota is used up
  // Since when the publisher is silent, though its session goes on; 0: it is not.
  gint64 silent_since_ = 0;
  bool has_left_silent_ = false;                 // who is leaving_
  std::vector<std::function<void()>> admitted_;  // as soon as the silent one is gone
  bool is_held_ =
      false;  // nobody publishes what is on the air, until somebody does or it has ended
  bool is_over_ = false;  // nobody is waited for: the playlist ends with the broadcast
  bool is_due_ = false;   // a publisher, as soon as the one before is out of the way
  std::vector<WaitingPad> waiting_;
  Timer start_timer_;
  Timer drain_timer_;
  Timer hold_timer_;
  Timer resume_timer_;
  unsigned resume_polls_ =
      0;  // until what is resumed may end, whether or not anything has come of it
  std::unique_ptr<Broadcast> broadcast_;  // whether a publisher is here or away
  gint64 lead_ = 0;                       // of its newest intake that has ended
  std::unique_ptr<Intake> intake_;        // of the publisher that is here
  std::unique_ptr<Intake> leaving_;       // of the former one, until its last frame
  std::unique_ptr<Broadcast> draining_;   // the former one, until its last frame
  std::function<void()> on_stopped_;
  std::function<void()> on_change_;
};

const char* to_string(Channel::State state);

}  // namespace live
