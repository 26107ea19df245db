#include "parallel_for.hpp"

#include <atomic>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace handgrad {
namespace {

/// Threads that wait for work. A job is a number of chunks; whoever is free takes the next one, the calling thread
/// included. So nobody waits for a thread that the system has not let run yet, as a barrier among all threads would:
/// on a busy machine that costs a time slice at every loop.
class Pool {
public:
    /// Where the system gives fewer threads, these do all of the work: results do not depend on their number.
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
            waiting_chunks_ = 1; // ends the spinning
        }
        wake_.notify_all();
        for (std::thread& worker : workers_) { worker.join(); }
    }

    /// How many workers were asked for.
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
        spin([this] { return running_ == 0; });
        lock.lock();
        done_.wait(lock, [this] { return running_ == 0; });
        if (error_) { std::rethrow_exception(error_); }
    }

private:
    /// Takes the next chunk, and works on it without holding the lock.
    void take_chunk(std::unique_lock<std::mutex>& lock) {
        const std::size_t i = next_++;
        waiting_chunks_ = chunks_ - next_;
        ++running_;
        lock.unlock();
        std::exception_ptr error;
        try {
            call_(body_, i);
        } catch (...) { error = std::current_exception(); }
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
            spin([this] { return waiting_chunks_ != 0; });
            lock.lock();
            ++sleeping_;
            wake_.wait(lock, [this] { return stop_ || next_ < chunks_; });
            --sleeping_;
        }
    }

    /// Waits up to about a millisecond for `ready`, at last in such a way that others may use the core: the kernels of
    /// a training step follow each other closely, and to wake a sleeper can take longer than a kernel (on a virtual
    /// machine, whose idle cores are given back, as long as several).
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
    void (*call_)(const void*, std::size_t) = nullptr; // this and all below: under the mutex
    const void* body_ = nullptr;
    std::size_t next_ = 0, chunks_ = 0;
    int sleeping_ = 0;
    bool stop_ = false;
    std::exception_ptr error_;
    std::atomic<std::size_t> waiting_chunks_{0}; // written under the mutex, watched without it
    std::atomic<int> running_{0};                // the same
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
    const int workers = num_threads() - 1; // the calling thread is the first
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
