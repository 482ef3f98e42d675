// Ask as fast as answers come, and never show an answer that is older than one already shown.

/**
 * At most one question is under way. While it is, only the newest question waits; so a dragged
 * slider asks once per answer or frame, whichever is slower. `now` drops what is under way.
 */
export class Latest {
  constructor(work, { done, failed, busy = () => {} }) {
    Object.assign(this, { work, done, failed, busy });
    this.waiting = null;
    this.running = null;
    this.frame = 0;
  }

  /** Ask something; with `now`, answers to earlier questions are not wanted any more. */
  ask(question, { now = false } = {}) {
    this.waiting = { question };
    if (now) this.drop();
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.next();
    });
  }

  /** Let go of the question under way. */
  drop() {
    this.running?.abort();
    this.running = null;
  }

  /** Ask nothing more. */
  stop() {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    this.waiting = null;
    this.drop();
  }

  async next() {
    if (this.running || !this.waiting) return;
    const { question } = this.waiting;
    this.waiting = null;
    const mine = (this.running = new AbortController());
    const slow = setTimeout(() => this.running === mine && this.busy(true, question), 250);
    try {
      const answer = await this.work(question, mine.signal);
      if (this.running === mine) this.done(answer, question);
    } catch (error) {
      if (this.running === mine && error.name !== "AbortError") this.failed(error, question);
    } finally {
      clearTimeout(slow);
      if (this.running === mine) {
        this.running = null;
        this.busy(false, question);
        this.next();
      }
    }
  }
}
