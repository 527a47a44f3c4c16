"""Many cases at once: most of a case is waiting, for a hub that backs off and for nothing to happen."""
import threading

PATIENCE = 100.0


def together(subjects, step):
    """`step(subject)` for each of the named subjects in a thread of its own; one AssertionError names all that failed.

    A step starts no process: those would end with its thread (see child.py).
    """
    failures = {}

    def run(name, subject):
        try:
            step(subject)
        except BaseException as error:
            failures[name] = error

    threads = {name: threading.Thread(target=run, args=(name, subject), daemon=True)
               for name, subject in subjects.items()}
    for thread in threads.values():
        thread.start()
    for name, thread in threads.items():
        thread.join(PATIENCE)
        if thread.is_alive():
            failures.setdefault(name, AssertionError("it hangs"))
    if failures:
        texts = [f"{name}: {type(error).__name__}: {error}" for name, error in failures.items()]
        raise AssertionError(f"{len(failures)} of {len(subjects)} failed\n" + "\n".join(texts))


def groups(names, size):
    """The names in groups, for pytest.mark.parametrize: so many hubs and servers at once are enough."""
    names = list(names)
    return [names[at:at + size] for at in range(0, len(names), size)]
