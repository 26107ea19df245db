#include "parallel_for.hpp"

#include <atomic>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#ifdef HANDGRAD_SANITIZED
// A test defines it, to yield at random wherever another thread may go on.
extern "C" [[gnu::weak]] void handgrad_hand_over();
#endif

namespace handgrad {
namespace {

#ifdef HANDGRAD_SANITIZED
void hand_over() {
    if (handgrad_hand_over != nullptr) { handgrad_hand_over(); }
}
#else
void hand_over() {}
#endif

/// A pool of worker threads. A job consists of chunks; each worker, and the calling thread as well, takes the next
/// chunk when it is free. So no thread waits for a worker that the system has not scheduled yet. A barrier of all
/// threads would, and on a busy machine that takes a time slice in every loop.
class Pool {
public:
    /// If the system starts fewer threads, they do all of the work: the results do not depend on their number.
    explicit Pool(int workers) : wanted_(workers) {
        try {
            for (int i = 0; i < workers; ++i) {
                workers_.emplace_back([this] { work(); });
            }
        } catch (const std::system_error&) {}
    }

    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;

    ~Pool() {
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            stop_ = true;
            waiting_chunks_ = 1; // ends the busy waiting
        }
        wake_.notify_all();
        for (std::thread& worker : workers_) { worker.join(); }
    }

    /// Number of workers requested.
    int wanted() const { return wanted_; }

    void run(std::size_t chunks, void (*call)(const void*, std::size_t), const void* body) {
        std::unique_lock<std::mutex> lock(mutex_);
        call_ = call;
        body_ = body;
        next_ = 0;
        chunks_ = chunks;
        waiting_chunks_ = chunks;
        error_ = nullptr;
        if (sleeping_ > 0) { wake_.notify_all(); }
        while (next_ < chunks_) { take_chunk(lock); }
        lock.unlock();
        hand_over();
        spin([this] { return running_ == 0; });
        lock.lock();
        done_.wait(lock, [this] { return running_ == 0; });
        if (error_) { std::rethrow_exception(error_); }
    }

private:
    /// Takes the next chunk and computes it without the lock.
    void take_chunk(std::unique_lock<std::mutex>& lock) {
        const std::size_t i = next_++;
        waiting_chunks_ = chunks_ - next_;
        ++running_;
        lock.unlock();
        hand_over();
        std::exception_ptr error;
        try {
            call_(body_, i);
        } catch (...) { error = std::current_exception(); }
        hand_over();
        lock.lock();
        if (error && !error_) { error_ = error; }
        if (--running_ == 0 && next_ == chunks_) { done_.notify_one(); }
    }

    void work() {
        std::unique_lock<std::mutex> lock(mutex_);
        while (!stop_) {
            if (next_ < chunks_) {
                take_chunk(lock);
                continue;
            }
            lock.unlock();
            hand_over();
            spin([this] { return waiting_chunks_ != 0; });
            hand_over();
            lock.lock();
            ++sleeping_;
            wake_.wait(lock, [this] { return stop_ || next_ < chunks_; });
            --sleeping_;
        }
    }

    /// Waits busily for `ready`, for about a millisecond at most, and towards the end yields the core to other threads.
    /// The kernels of a training step follow each other closely, and waking a thread can take longer than a kernel; on
    /// a virtual machine, which gives idle cores back to its host, it can take as long as several kernels.
    template <class Ready> static void spin(const Ready& ready) {
        for (int i = 0; i < 500 && !ready(); ++i) {
#if defined(__x86_64__) || defined(__i386__)
            __builtin_ia32_pause();
#endif
        }
        for (int i = 0; i < 2000 && !ready(); ++i) { std::this_thread::yield(); }
    }

    int wanted_;
    std::vector<std::thread> workers_;
    std::mutex mutex_;
    std::condition_variable wake_, done_;
    void (*call_)(const void*, std::size_t) = nullptr; // this and all members below: under the mutex
    const void* body_ = nullptr;
    std::size_t next_ = 0, chunks_ = 0;
    int sleeping_ = 0;
    bool stop_ = false;
    std::exception_ptr error_;
    std::atomic<std::size_t> waiting_chunks_{0}; // written under the mutex, read without it
    std::atomic<int> running_{0};                // likewise
};

} // namespace

void detail::run_on_threads(std::size_t chunks, void (*call)(const void*, std::size_t), const void* body) {
    static std::mutex one_job_at_a_time;
    static std::unique_ptr<Pool> pool;
    thread_local bool inside = false;
    std::unique_lock<std::mutex> lock(one_job_at_a_time, std::defer_lock);
    if (inside || !lock.try_lock()) {
        for (std::size_t i = 0; i < chunks; ++i) { call(body, i); }
        return;
    }
    hand_over();
    const int workers = num_threads() - 1; // the calling thread works, too
    if (!pool || pool->wanted() != workers) {
        pool.reset();
        pool = std::make_unique<Pool>(workers);
    }
    struct Inside {
        bool& flag;
        explicit Inside(bool& f) : flag(f) { flag = true; }
        ~Inside() { flag = false; }
    } mark(inside);
    pool->run(chunks, call, body);
}

} // namespace handgrad
