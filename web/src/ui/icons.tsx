// Line icons on a 24-unit grid, drawn in the colour of the text around them and hidden from screen readers: the words are beside them.

import type { ComponentChildren } from 'preact';

const icon = (children: ComponentChildren) => () => (
  <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
    {children}
  </svg>
);

export const Microphone = icon(
  <>
    <rect x="9" y="3" width="6" height="11" rx="3" />
    <path d="M5.500 11.500a6.500 6.500 0 0 0 13 0M12 18v3" />
  </>,
);

export const MicrophoneOff = icon(
  <>
    <path d="M15 10.500V6a3 3 0 0 0-5.800-1M9 9.500V11a3 3 0 0 0 4.500 2.600M5.500 11.500a6.500 6.500 0 0 0 10.200 5.300M18.500 11.500a6.500 6.500 0 0 1-.5 2.500M12 18v3M4 4l16 16" />
  </>,
);

export const Camera = icon(
  <>
    <rect x="3" y="6.500" width="12" height="11" rx="2.500" />
    <path d="m15 11 6-3.500v9L15 13" />
  </>,
);

export const CameraOff = icon(
  <>
    <path d="M9.500 6.500h3A2.500 2.500 0 0 1 15 9v2l6-3.500v9l-3.500-2M15 15.500a2.500 2.500 0 0 1-2.500 2h-7A2.500 2.500 0 0 1 3 15V9a2.500 2.500 0 0 1 2-2.450M4 4l16 16" />
  </>,
);

export const Flip = icon(
  <>
    <path d="M4.500 10A8 8 0 0 1 19 8.500M19.500 14A8 8 0 0 1 5 15.500M19.500 4.500v4h-4M4.500 19.500v-4h4" />
  </>,
);

export const HangUp = icon(<path class="filled" d="M12 9.500c-3.500 0-6.500.9-8.300 2.500-.9.800-1 2.100-.4 3.100l.7 1.100c.4.700 1.300.9 2 .6l2.300-.9c.6-.2 1-.8 1-1.400v-1.700c1.800-.5 3.600-.5 5.400 0v1.700c0 .6.4 1.200 1 1.400l2.300.9c.7.3 1.600.1 2-.6l.7-1.100c.6-1 .5-2.300-.4-3.100C18.500 10.400 15.500 9.500 12 9.500Z" />);

export const Phone = icon(
  <path class="filled" d="M6.300 3.500 8.500 3c.7-.2 1.400.2 1.700.8l1.200 2.800c.2.600.1 1.200-.4 1.600L9.500 9.500a12 12 0 0 0 5 5l1.300-1.500c.4-.5 1-.6 1.600-.4l2.800 1.200c.6.3 1 1 .8 1.700l-.5 2.200c-.2.800-.9 1.300-1.700 1.300C11 19 5 13 5 5.200c0-.8.5-1.500 1.300-1.700Z" />,
);

export const Direct = icon(
  <>
    <circle cx="4.500" cy="12" r="2" />
    <circle cx="19.500" cy="12" r="2" />
    <path d="M6.500 12h11" />
  </>,
);

export const Relay = icon(
  <>
    <circle cx="4" cy="16" r="2" />
    <circle cx="20" cy="16" r="2" />
    <circle cx="12" cy="7" r="2.500" />
    <path d="m5.500 14.500 4.500-5.500M18.500 14.500 14 9" />
  </>,
);

export const Searching = icon(
  <>
    <circle cx="5" cy="12" r="1" class="filled" />
    <circle cx="12" cy="12" r="1" class="filled" />
    <circle cx="19" cy="12" r="1" class="filled" />
  </>,
);

export const Warning = icon(
  <>
    <path d="M12 4 2.500 20h19ZM12 10v4.500M12 17.300v.2" />
  </>,
);

export const Information = icon(
  <>
    <circle cx="12" cy="12" r="9" />
    <path d="M12 11v5.500M12 7.700v.2" />
  </>,
);

export const Question = icon(
  <>
    <circle cx="12" cy="12" r="9" />
    <path d="M9.500 9.500a2.500 2.500 0 1 1 3.600 2.300c-.7.300-1.100.9-1.100 1.700M12 16.800v.2" />
  </>,
);

export const Link = icon(
  <>
    <path d="M10 14a4 4 0 0 0 5.700 0l3-3A4 4 0 0 0 13 5.300l-1 1M14 10a4 4 0 0 0-5.700 0l-3 3a4 4 0 0 0 5.700 5.700l1-1" />
  </>,
);

export const Leave = icon(
  <>
    <path d="M14 4H7a2 2 0 0 0-2 2v12a2 2 0 0 0 2 2h7M10 12h11M17.500 8.500 21 12l-3.500 3.500" />
  </>,
);

export const Close = icon(<path d="m6 6 12 12M18 6 6 18" />);

export const Speaker = icon(
  <>
    <path d="M4 10v4h3.500L12 18V6L7.500 10ZM15.500 9a4 4 0 0 1 0 6M18 6.500a8 8 0 0 1 0 11" />
  </>,
);

export const Lock = icon(
  <>
    <rect x="5" y="10.500" width="14" height="9.500" rx="2" />
    <path d="M8 10.500V8a4 4 0 0 1 8 0v2.500" />
  </>,
);

export const Mark = () => (
  <svg class="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
    <circle cx="16" cy="16" r="7" />
    <path class="rope" d="M2.500 26c5.500-1 7-6 9.500-8M20 14c2.500-2 4-7 9.500-8" />
  </svg>
);
