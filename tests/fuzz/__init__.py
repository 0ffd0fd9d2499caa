"""Files from elsewhere, damaged at random: whatever they hold, they are refused in one sentence."""
