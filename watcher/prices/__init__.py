"""The past of prices: from feeds' own rounds, stored quotes, files and exchanges into the store, and cleaned out of it again."""
