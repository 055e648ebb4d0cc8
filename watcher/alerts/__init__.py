"""How changes reach people: what is said (`render`), what goes where and when (`plan`, `outbox`), and by which way (`channels`)."""
