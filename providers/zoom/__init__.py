"""Zoom: meetings, webinars, registrants, cloud recordings and booking schedules."""
